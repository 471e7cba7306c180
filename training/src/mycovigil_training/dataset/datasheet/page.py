"""Write the datasheet: what a set holds, what was left out of it and why, as one HTML file."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import jinja2

from mycovigil.models.safety import SafetyClass
from mycovigil_training.dataset import curated
from mycovigil_training.dataset.curated import CuratedPhoto
from mycovigil_training.dataset.datasheet.counting import histograms
from mycovigil_training.dataset.datasheet.pictures import contact_sheet, sheet
from mycovigil_training.dataset.dropped import read_dropped
from mycovigil_training.dataset.label_issues import read_issues
from mycovigil_training.dataset.summary import summary

PAGE = "datasheet.html"
DEADLY = SafetyClass.DEADLY.value
# Photos of each class, pairs of each kind, and rows of the table of what was left out.
SHOWN = 32
PAIRS = 24
ROWS = 200


@dataclass(frozen=True, slots=True)
class Pair:
    """Two photos of the source folder beside each other, and their names."""

    picture: str
    first: str
    second: str


def write_datasheet(folder: Path, page: Path | None = None) -> Path:
    """Write the page into the curated folder, or to ``page``; returns its path.

    Raises:
        NotCurated: another kind of folder.
        OSError: it cannot be written.
    """
    photos = curated.read(folder)
    report = curated.report_of(folder)
    dropped = read_dropped(folder)
    source = Path(report["source"])
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("mycovigil_training.dataset.datasheet", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    text = environment.get_template("datasheet.html.j2").render(
        report=report,
        sentences=list(summary(report)),
        sheets={name: _sheet(folder, photos, name) for name in report["photos"]},
        histograms=histograms(photos, dropped),
        duplicates=_pairs(source, report["duplicates"]),
        merged=_pairs(source, report.get("merged_across", [])),
        alike=_pairs(source, report.get("alike_across", [])),
        issues=_issues(folder),
        dropped=dropped[:ROWS],
        more=max(len(dropped) - ROWS, 0),
        deadly=sorted({one.species for one in photos if one.safety_class == DEADLY}),
        source_is_here=source.is_dir(),
    )
    path = page or folder / PAGE
    path.write_text(text, encoding="utf-8")
    return path


def _issues(folder: Path) -> list[Pair]:
    """Photos that look like another class, with what they are called and look like."""
    return [
        Pair(
            sheet([folder / issue.path]),
            f"{issue.path}: {issue.given}, looks {issue.suggested}",
            f"{issue.probability:.3f} by the other specimens",
        )
        for issue in read_issues(folder)[:PAIRS]
    ]


def _sheet(folder: Path, photos: Iterable[CuratedPhoto], safety_class: str) -> str:
    return contact_sheet(
        folder, (photo for photo in photos if photo.safety_class == safety_class), SHOWN
    )


def _pairs(source: Path, names: Iterable[tuple[str, str]]) -> list[Pair]:
    return [
        Pair(sheet([source / first, source / second]), first, second)
        for first, second in list(names)[:PAIRS]
    ]
