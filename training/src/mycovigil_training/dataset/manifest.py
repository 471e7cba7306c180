"""Read ``manifest.csv`` as people and spreadsheet programs save it."""

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mycovigil_training.dataset.species import class_of, normalised

MANIFEST = "manifest.csv"
NEEDED = frozenset({"path", "species", "safety_class"})
GROUP_COLUMNS = ("group", "specimen", "group_key")
DELIMITERS = ",;\t|"
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
MOST_NAMED = 5


class UnknownLayout(ValueError):
    """The folder is no data set that is read; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class ListedPhoto:
    """A photo as the folder describes it; ``captured_at`` and ``group`` empty where unknown,
    ``line`` that of the manifest, 0 without one."""

    path: Path
    species: str
    safety_class: str
    captured_at: str = ""
    group: str = ""
    line: int = 0


def read_manifest(path: Path) -> Iterator[ListedPhoto]:
    """The photos of a manifest: UTF-8 with or without a byte-order mark, UTF-16 or Windows-1252,
    its columns separated by commas, semicolons, tabs or bars, in any order and case.

    Raises:
        UnknownLayout: columns are missing, or rows cannot be read; they are named by line.
    """
    rows = _rows(path)
    wrong = [f"line {line}: {why}" for line, row in rows if (why := _wrong(row))]
    if wrong:
        more = f", and {len(wrong) - MOST_NAMED} more" if len(wrong) > MOST_NAMED else ""
        raise UnknownLayout(f"{path} {'; '.join(wrong[:MOST_NAMED])}{more}")
    for line, row in rows:
        yield ListedPhoto(
            path=path.parent / row["path"].replace("\\", "/"),
            species=normalised(row["species"]),
            safety_class=class_of(row["safety_class"]) or "",
            captured_at=row.get("captured_at", ""),
            group=next((row[name] for name in GROUP_COLUMNS if row.get(name)), ""),
            line=line,
        )


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Each row that is not blank, with the line it ends on."""
    text = _text(path)
    first, _, rest = text.partition("\n")
    told = first.strip().lower().startswith("sep=")  # a line for Excel, which names the separator
    separator = _delimiter(rest if told else text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    if told:
        next(reader)
    names = [name.strip().lower() for name in next(reader, [])]
    if missing := NEEDED - set(names):
        raise UnknownLayout(f"{path} lacks the columns {', '.join(sorted(missing))}")
    found = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                row = dict(zip(names, (cell.strip() for cell in cells), strict=False))
                row[""] = "more cells than columns" if "".join(cells[len(names) :]).strip() else ""
                found.append((reader.line_num, row))
    except csv.Error as error:
        raise UnknownLayout(f"{path} line {reader.line_num}: {error}") from error
    return found


def _wrong(row: dict[str, str]) -> str:
    """Why a row cannot be read; empty if it can."""
    if row[""]:
        return row[""]
    if missing := [name for name in sorted(NEEDED) if name not in row]:
        return f"no cell for {', '.join(missing)}"
    if not row["path"]:
        return "no path"
    if class_of(row["safety_class"]) is None:
        return f"{row['safety_class']!r} is no safety class"
    return ""


def _text(path: Path) -> str:
    data = path.read_bytes()
    if data.startswith(UTF16):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _delimiter(text: str) -> str:
    """The separator by which the first line has the most of the columns that are needed."""
    first = text.split("\n", 1)[0].lower()

    def columns(separator: str) -> int:
        return len(NEEDED & {name.strip(' "\r') for name in first.split(separator)})

    return max(DELIMITERS, key=columns)
