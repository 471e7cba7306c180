"""What curation leaves out, and why."""

import csv
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

DROPPED = "dropped.csv"


@dataclass(frozen=True, slots=True)
class Dropped:
    """``path`` is below the source folder; ``detail`` names the photo that was kept instead, or
    what the decoder said."""

    path: str
    reason: str
    detail: str = ""


def write_dropped(folder: Path, dropped: Iterable[Dropped]) -> None:
    with (folder / DROPPED).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("path", "reason", "detail"))
        writer.writerows(astuple(one) for one in dropped)


def read_dropped(folder: Path) -> list[Dropped]:
    """Empty where a folder was curated before dropped photos were listed."""
    path = folder / DROPPED
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        return [Dropped(**row) for row in csv.DictReader(stream)]
