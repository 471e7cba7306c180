"""A curated folder: ``Classes/<class>/<species>/*``, a manifest, and the report of curation."""

import csv
import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

MANIFEST = "manifest.csv"
REPORT = "curation.json"


class NotCurated(ValueError):
    """The folder was not made by ``mycovigil dataset curate``, or was changed since."""


@dataclass(frozen=True, slots=True)
class CuratedPhoto:
    """``path`` is relative to the folder; photos of one ``group`` show one specimen or burst.

    ``sha256`` is that of the photo as it came, ``stored_sha256`` that of the file at ``path``,
    which may be smaller.
    """

    path: str
    species: str
    safety_class: str
    captured_at: str
    group: str
    sha256: str
    stored_sha256: str = ""
    camera: str = ""


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
    rows = [asdict(photo) for photo in photos]
    with (folder / MANIFEST).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, names)
        writer.writeheader()
        writer.writerows(rows)
    text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    partial = folder / f"{REPORT}.part"
    partial.write_text(text, encoding="utf-8")
    partial.replace(folder / REPORT)


def report_of(folder: Path) -> dict[str, Any]:
    """The report that curation left."""
    document: dict[str, Any] = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    return document


def content_hash(photos: Iterable[CuratedPhoto]) -> str:
    """One SHA-256 of a set: of every photo's bytes, names and labels, in any order of rows."""
    lines = sorted(json.dumps(asdict(photo), sort_keys=True) for photo in photos)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def changed(folder: Path) -> list[str]:
    """Paths of the manifest whose files are missing, or hold other bytes than were stored."""
    return [
        photo.path for photo in read(folder) if _digest(folder / photo.path) != photo.stored_sha256
    ]


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _digest(path: Path) -> str:
    return digest_of(path) if path.is_file() else ""
