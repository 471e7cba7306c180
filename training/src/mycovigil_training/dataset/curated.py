"""A curated folder: ``Classes/<class>/<species>/*``, a manifest, and the report of curation."""

import csv
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

MANIFEST = "manifest.csv"
REPORT = "curation.json"


class NotCurated(ValueError):
    """The folder was not made by ``mycovigil dataset curate``."""


@dataclass(frozen=True, slots=True)
class CuratedPhoto:
    """``path`` is relative to the folder; photos of one ``group`` show one specimen or burst."""

    path: str
    species: str
    safety_class: str
    captured_at: str
    group: str
    sha256: str


def is_curated(folder: Path) -> bool:
    return (folder / REPORT).is_file() and (folder / MANIFEST).is_file()


def read(folder: Path) -> list[CuratedPhoto]:
    """The photos of a curated folder, in the manifest's order.

    Raises:
        NotCurated: another kind of folder.
    """
    if not is_curated(folder):
        raise NotCurated(f"{folder} is not curated: run 'mycovigil dataset curate FOLDER' first")
    with (folder / MANIFEST).open(newline="", encoding="utf-8") as stream:
        return [CuratedPhoto(**row) for row in csv.DictReader(stream)]


def write(folder: Path, photos: Iterable[CuratedPhoto], report: dict[str, Any]) -> None:
    """Write manifest and report; the report last, so that a cut run is seen as not curated."""
    names = [field.name for field in fields(CuratedPhoto)]
    with (folder / MANIFEST).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, names)
        writer.writeheader()
        writer.writerows(asdict(photo) for photo in photos)
    (folder / REPORT).write_text(json.dumps(report, indent=2) + "\n")


def report_of(folder: Path) -> dict[str, Any]:
    """The report that curation left."""
    document: dict[str, Any] = json.loads((folder / REPORT).read_text())
    return document
