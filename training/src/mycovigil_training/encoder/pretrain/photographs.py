"""Photos decoded once into memory, with what is known of them, and their honest splits."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from mycovigil.vision.image.decode import decode
from mycovigil_training.dataset.layout import listed

SIDE = 128  # pixels of the cached square; the largest view trained on is 96
MAX_PIXELS = 100_000_000
SIDEWAYS = 5  # EXIF orientations 5 to 8 swap width and height


@dataclass(frozen=True)
class Photographs:
    """n photos squashed to squares, row by row with their facts.

    Attributes:
        pixels: `(n, side, side, 3)` uint8 sRGB.
        aspect: `(n,)` width divided by height before squashing.
        species: Lower-case names, for photos without a mushroom what they show.
        safety_class: One of the safety classes, `unknown` or `not_mushroom`.
        group: What must stay on one side of a split: species and day.
        collection: The folder it came from: one photographer, one camera, one habit.
        rendered: Whether the simulator drew it.
        caption: The simulator's description, empty for real photos.
    """

    pixels: NDArray[np.uint8]
    aspect: NDArray[np.float32]
    species: tuple[str, ...]
    safety_class: tuple[str, ...]
    group: tuple[str, ...]
    collection: tuple[str, ...]
    rendered: NDArray[np.bool_]
    caption: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.pixels)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Photographs:
        """The chosen rows, by mask or position."""
        index = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        return Photographs(
            self.pixels[index],
            self.aspect[index],
            tuple(self.species[i] for i in index),
            tuple(self.safety_class[i] for i in index),
            tuple(self.group[i] for i in index),
            tuple(self.collection[i] for i in index),
            self.rendered[index],
            tuple(self.caption[i] for i in index),
        )


def joined(parts: Sequence[Photographs]) -> Photographs:
    """All photos of several collections in one."""
    return Photographs(
        np.concatenate([part.pixels for part in parts]),
        np.concatenate([part.aspect for part in parts]),
        tuple(species for part in parts for species in part.species),
        tuple(kind for part in parts for kind in part.safety_class),
        tuple(group for part in parts for group in part.group),
        tuple(name for part in parts for name in part.collection),
        np.concatenate([part.rendered for part in parts]),
        tuple(caption for part in parts for caption in part.caption),
    )


@dataclass(frozen=True)
class Listed:
    """One photo of a folder: where it is, what it shows, what it must stay with."""

    path: Path
    species: str
    safety_class: str
    group: str


def read_listing(folder: Path) -> list[Listed]:
    """The photos of a folder in either layout of `dataset.layout`.

    Photos of a species without a date make one group.

    Raises:
        UnknownLayout: Neither a manifest nor `Classes/<class>/<species>/*`.
    """
    return [
        Listed(
            photo.path,
            photo.species,
            photo.safety_class,
            f"{photo.species}|{photo.captured_at[:10]}",
        )
        for photo in listed(folder).photos
    ]


def read_folder(folder: Path, side: int = SIDE) -> Photographs:
    """Decode the photos of a folder to squares of `side` pixels.

    Raises:
        UnknownLayout: The folder is no dataset.
        FileNotFoundError: A photo that the manifest lists is missing.
    """
    rows = read_listing(folder)
    pixels = np.empty((len(rows), side, side, 3), dtype=np.uint8)
    aspect = np.empty(len(rows), dtype=np.float32)
    for i, row in enumerate(rows):
        pixels[i], aspect[i] = squashed(row.path, side)
    return Photographs(
        pixels,
        aspect,
        tuple(row.species for row in rows),
        tuple(row.safety_class for row in rows),
        tuple(row.group for row in rows),
        (str(folder),) * len(rows),
        np.zeros(len(rows), dtype=np.bool_),
        ("",) * len(rows),
    )


def squashed(path: Path, side: int = SIDE) -> tuple[NDArray[np.uint8], float]:
    """A photo as a `(side, side, 3)` square, and its upright width divided by its height."""
    data = path.read_bytes()
    photo = decode(data, size=side, max_pixels=MAX_PIXELS, resize="squash")
    with Image.open(io.BytesIO(data)) as image:
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) >= SIDEWAYS
    aspect = photo.width / photo.height
    return photo.pixels, 1.0 / aspect if turned else aspect
