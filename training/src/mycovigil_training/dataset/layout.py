"""The layouts we read: Kaggle's ``Classes/<class>/<species>/*``, and ``manifest.csv``."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mycovigil_training.dataset.species import class_of, normalised

MANIFEST = "manifest.csv"
CLASSES_FOLDER = "Classes"
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".mpo"})
GROUP_COLUMNS = ("group", "specimen", "group_key")


class UnknownLayout(ValueError):
    """The folder is neither of the layouts; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class ListedPhoto:
    """A photo as the folder describes it; ``captured_at`` and ``group`` empty where unknown."""

    path: Path
    species: str
    safety_class: str
    captured_at: str = ""
    group: str = ""


def listed(folder: Path) -> list[ListedPhoto]:
    """Every photo of a folder, sorted by path.

    Raises:
        UnknownLayout: not a dataset, or one without a single photo.
    """
    if not folder.is_dir():
        raise UnknownLayout(f"{folder} is no folder")
    manifest = folder / MANIFEST
    photos = _from_manifest(manifest) if manifest.is_file() else _from_folders(folder)
    found = sorted(photos, key=lambda photo: photo.path)
    if not found:
        raise UnknownLayout(
            f"{folder} holds no photos as Classes/<class>/<species>/*, "
            f"nor a {MANIFEST} with the columns path, species, safety_class"
        )
    return found


def _from_folders(folder: Path) -> Iterator[ListedPhoto]:
    root = folder / CLASSES_FOLDER
    root = root if root.is_dir() else folder
    for class_folder in sorted(path for path in root.iterdir() if path.is_dir()):
        safety_class = class_of(class_folder.name)
        if safety_class is None:
            continue
        for path in class_folder.rglob("*"):
            if path.suffix.lower() in SUFFIXES:
                inside = path.relative_to(class_folder).parts
                species = normalised(inside[0]) if len(inside) > 1 else ""
                yield ListedPhoto(path, species, safety_class)


def _from_manifest(manifest: Path) -> Iterator[ListedPhoto]:
    with manifest.open(newline="", encoding="utf-8") as stream:
        rows = csv.DictReader(stream)
        columns = set(rows.fieldnames or ())
        if missing := {"path", "species", "safety_class"} - columns:
            raise UnknownLayout(f"{manifest} lacks the columns {', '.join(sorted(missing))}")
        for number, row in enumerate(rows, start=2):
            safety_class = class_of(row["safety_class"])
            if safety_class is None:
                raise UnknownLayout(
                    f"{manifest} line {number}: {row['safety_class']!r} is no safety class"
                )
            yield ListedPhoto(
                path=manifest.parent / row["path"],
                species=normalised(row["species"]),
                safety_class=safety_class,
                captured_at=row.get("captured_at") or "",
                group=next((row[name] for name in GROUP_COLUMNS if row.get(name)), ""),
            )
