"""Photos that look like another class than theirs, as curation's folder keeps them."""

import csv
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

FILE = "label_issues.csv"


@dataclass(frozen=True, slots=True)
class LabelIssue:
    """``probability`` is what the other specimens give to the class that the photo stands under."""

    path: str
    species: str
    given: str
    suggested: str
    probability: float


def write_issues(folder: Path, issues: Iterable[LabelIssue]) -> Path:
    """Write the list into the curated folder; returns its path."""
    path = folder / FILE
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(LabelIssue.__slots__)
        writer.writerows(astuple(issue) for issue in issues)
    return path


def read_issues(folder: Path) -> list[LabelIssue]:
    """Empty where nobody has looked for them."""
    path = folder / FILE
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))[1:]
    return [
        LabelIssue(path, species, given, suggested, float(probability))
        for path, species, given, suggested, probability in rows
    ]
