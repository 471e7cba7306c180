"""The layouts we read: Kaggle's ``Classes/<class>/<species>/*``, and ``manifest.csv``."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mycovigil_training.dataset.manifest import MANIFEST, ListedPhoto, UnknownLayout, read_manifest
from mycovigil_training.dataset.species import UNKNOWN, class_of, normalised

__all__ = ["CLASSES_FOLDER", "ListedPhoto", "Listing", "UnknownLayout", "listed"]

CLASSES_FOLDER = "Classes"
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".mpo"}
)
# What archivers leave behind beside folders whose name begins with a dot.
LEFT_BEHIND = frozenset({"__MACOSX", "@eaDir"})


@dataclass(frozen=True, slots=True)
class Listing:
    """``photos`` sorted by path; ``ignored`` files below folders of classes that are no photos."""

    photos: list[ListedPhoto]
    ignored: int


def listed(folder: Path) -> Listing:
    """Every photo of a folder; below ``Classes``, those of a folder that names no class are
    ``unknown``.

    Raises:
        UnknownLayout: not a data set, or one without a single photo.
    """
    if not folder.is_dir():
        raise UnknownLayout(f"{folder} is no folder")
    manifest = folder / MANIFEST
    if manifest.is_file():
        found = Listing(list(read_manifest(manifest)), 0)
    else:
        found = _from_folders(folder)
    if not found.photos:
        raise UnknownLayout(
            f"{folder} holds no photos as Classes/<class>/<species>/*, "
            f"nor a {MANIFEST} with the columns path, species, safety_class"
        )
    return Listing(sorted(found.photos, key=lambda photo: str(photo.path)), found.ignored)


def _from_folders(folder: Path) -> Listing:
    root = folder / CLASSES_FOLDER
    others = UNKNOWN if root.is_dir() else None  # below another folder they are nobody's classes
    root = root if root.is_dir() else folder
    photos, ignored = [], 0
    for class_folder in sorted(path for path in root.iterdir() if path.is_dir()):
        safety_class = class_of(class_folder.name) or others
        if safety_class is None or _hidden(class_folder.name):
            continue
        for path, hidden in _files(class_folder):
            if hidden or path.suffix.lower() not in SUFFIXES:
                ignored += 1
                continue
            inside = path.relative_to(class_folder).parts
            species = normalised(inside[0]) if len(inside) > 1 else ""
            photos.append(ListedPhoto(path, species, safety_class))
    return Listing(photos, ignored)


def _files(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Every file below a folder, and whether it or a folder above it is hidden."""
    for home, _, names in os.walk(folder):
        for name in names:
            path = Path(home, name)
            parts = path.relative_to(folder).parts
            yield path, any(map(_hidden, parts))


def _hidden(name: str) -> bool:
    return name.startswith(".") or name in LEFT_BEHIND
