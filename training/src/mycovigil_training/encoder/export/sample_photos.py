"""Photos to calibrate an export on and to judge it by: files of a folder, or the simulator's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mycovigil.vision.image.decode import decode
from mycovigil_training.dataset.layout import UnknownLayout, listed
from mycovigil_training.encoder.pretrain.photographs import MAX_PIXELS
from mycovigil_training.encoder.pretrain.rendered import as_file, draw

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
T = TypeVar("T")
FIRST_SEED = 2_000_000  # apart from the seeds that encoders are trained on


class TooFewPhotos(ValueError):
    """The folder holds fewer photos than the export needs."""


@dataclass(frozen=True)
class SamplePhoto:
    """A photo file and its safety class, empty where it is not known."""

    data: bytes
    safety_class: str


def known_photos(folder: Path | None, most: int) -> list[SamplePhoto]:
    """At most `most` photos with their classes, spread evenly over `folder`, else simulated.

    Raises:
        TooFewPhotos: The folder holds none.
    """
    if folder is None:
        drawn = [draw(place, FIRST_SEED) for place in range(most)]
        return [SamplePhoto(as_file(one), str(one.safety_class or "")) for one in drawn]
    try:
        known = [(one.path, one.safety_class) for one in listed(folder).photos]
    except UnknownLayout:
        known = [(path, "") for path in _files(folder)]
    if not known:
        raise TooFewPhotos(f"{folder} holds no photos")
    chosen = np.linspace(0, len(known) - 1, min(most, len(known))).round().astype(int)
    return [SamplePhoto(known[i][0].read_bytes(), known[i][1]) for i in chosen]


def sample_photos(folder: Path | None, count: int) -> list[bytes]:
    """`count` photo files, spread evenly over the sorted files of `folder` and its subfolders.

    Without a folder the simulator draws them.

    Raises:
        TooFewPhotos: The folder has not that many.
    """
    if folder is None:
        return [as_file(draw(place, FIRST_SEED)) for place in range(count)]
    files = _files(folder)
    if len(files) < count:
        raise TooFewPhotos(f"{folder} holds {len(files)} photos; {count} are needed")
    chosen = np.linspace(0, len(files) - 1, count).round().astype(int)
    return [files[i].read_bytes() for i in chosen]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def split_off(photos: Sequence[T], judged: int) -> tuple[list[T], list[T]]:
    """Split into photos to calibrate on and `judged` photos to judge by, evenly interleaved."""
    kept = set(np.linspace(0, len(photos) - 1, judged).round().astype(int).tolist())
    calibration = [photo for i, photo in enumerate(photos) if i not in kept]
    return calibration, [photo for i, photo in enumerate(photos) if i in kept]


def squares(photos: Iterable[bytes], size: int, resize: str) -> NDArray[np.uint8]:
    """`(n, size, size, 3)` pixels of photo files, decoded as the predictor decodes them."""
    return np.stack(
        [decode(photo, size=size, max_pixels=MAX_PIXELS, resize=resize).pixels for photo in photos]
    )
