"""The editable table of species: accepted names, synonyms, safety classes and their sources."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from mycovigil_training.dataset.species import DANGER, normalised

COLUMNS = ("name", "synonyms", "safety_class", "kind", "source", "note")
KINDS = ("mushroom", "bracket", "lichen", "other")
PACKAGED = "species.csv"


class BadSpeciesTable(ValueError):
    """The table cannot be used; the message names its line."""


@dataclass(frozen=True, slots=True)
class Species:
    """``name`` is the accepted one, or a genus; ``safety_class`` is empty where the table leaves it
    to the data set, ``kind`` one of :data:`KINDS`, ``packaged`` false for a user's own row."""

    name: str
    synonyms: tuple[str, ...]
    safety_class: str
    kind: str
    source: str
    note: str
    packaged: bool = True


class SpeciesTable:
    """Rows by every name they go by."""

    def __init__(self, rows: Iterable[Species]) -> None:
        self.rows = tuple(rows)
        self._by_name: Mapping[str, Species] = {
            name: row for row in self.rows for name in (row.name, *row.synonyms)
        }

    def find(self, name: str) -> Species | None:
        """The row of a species, by any of its names; a variety has its species' row."""
        found = self._by_name.get(name)
        return found or self._by_name.get(" ".join(name.split()[:2]))

    def accepted(self, name: str) -> str:
        """The accepted name of a species; its own where the table does not know it."""
        exact = self._by_name.get(name)
        return exact.name if exact else name

    def kind(self, name: str) -> str:
        """By the species' row, or by that of its genus."""
        row = self.find(name) or self._by_name.get(name.split(" ", maxsplit=1)[0])
        return row.kind if row else KINDS[0]


def read_table(path: Path | None = None) -> SpeciesTable:
    """The packaged table, or the rows of a file before those of the packaged one.

    Raises:
        BadSpeciesTable: a row is no species; or the file cannot be read.
    """
    packaged = (
        files("mycovigil_training.dataset.classes").joinpath(PACKAGED).read_text(encoding="utf-8")
    )
    rows = list(_rows(packaged, PACKAGED))
    if path is None:
        return SpeciesTable(rows)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSpeciesTable(f"{path} cannot be read: {error}") from error
    own = [replace(row, packaged=False) for row in _rows(text, str(path))]
    names = {name for row in own for name in (row.name, *row.synonyms)}
    return SpeciesTable([*(row for row in rows if row.name not in names), *own])


def _rows(text: str, where: str) -> Iterator[Species]:
    reader = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    if missing := set(COLUMNS) - set(reader.fieldnames or ()):
        raise BadSpeciesTable(f"{where} lacks the columns {', '.join(sorted(missing))}")
    seen: dict[str, str] = {}
    for row in reader:
        found = _species(row, where)
        for name in (found.name, *found.synonyms):
            if seen.setdefault(name, found.name) != found.name:
                raise BadSpeciesTable(
                    f"{where}: {name!r} stands for both {seen[name]!r} and {found.name!r}"
                )
        yield found


def _species(row: Mapping[str, str | None], where: str) -> Species:
    cells = {name: (row[name] or "").strip() for name in COLUMNS}
    name = normalised(cells["name"])
    at = f"{where}: {name or 'a row without a name'}"
    if not name:
        raise BadSpeciesTable(at)
    if cells["safety_class"] and cells["safety_class"] not in DANGER:
        raise BadSpeciesTable(f"{at}: {cells['safety_class']!r} is none of {', '.join(DANGER)}")
    if cells["kind"] not in KINDS:
        raise BadSpeciesTable(f"{at}: {cells['kind']!r} is none of {', '.join(KINDS)}")
    if cells["safety_class"] and not cells["source"]:
        raise BadSpeciesTable(f"{at}: a safety class needs a source")
    return Species(
        name=name,
        synonyms=tuple(normalised(one) for one in cells["synonyms"].split("|") if one.strip()),
        safety_class=cells["safety_class"],
        kind=cells["kind"],
        source=cells["source"],
        note=cells["note"],
    )
