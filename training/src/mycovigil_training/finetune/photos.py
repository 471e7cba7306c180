"""Photos of a curated folder for the trainer: decoded as in serving, seen in random views."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from mycovigil.models.safety import CLASSES
from mycovigil.vision.image.decode import decode
from mycovigil_training.augmentation import Augmentation, rarities
from mycovigil_training.configuration import AugmentationConfig
from mycovigil_training.dataset.curated import CuratedPhoto
from mycovigil_training.dataset.pictures.fingerprint import MAX_PIXELS
from mycovigil_training.model.sides import position

NAMES = [name.value for name in CLASSES]


@dataclass(frozen=True)
class Pixels:
    """How photos become pixels: side and way of resizing."""

    size: int
    resize: str


class PhotoViews(Dataset[tuple[Tensor, int]]):
    """Item ``(row, number)`` is view ``number`` of a photo and its label; the photo as it is
    where ``views`` is none. Views are drawn online, stronger ones of rare classes, whose photos
    balanced sampling draws more often. The same item is the same view in every process."""

    def __init__(
        self,
        folder: Path,
        photos: Sequence[CuratedPhoto],
        labels: NDArray[np.int64],
        pixels: Pixels,
        views: AugmentationConfig | None,
    ) -> None:
        self._folder = folder
        self._photos = photos
        self._labels = labels
        self._pixels = pixels
        self._views = views
        self._rarities = rarities([photo.safety_class for photo in photos])
        self._camera: Augmentation | None = None  # made in the process that uses it

    def __len__(self) -> int:
        return len(self._photos)

    def __getitem__(self, item: tuple[int, int]) -> tuple[Tensor, int]:
        row, number = item
        photo = self._photos[row]
        if self._views is None:
            seen = self._decoded(photo, self._pixels.size)
        else:
            if self._camera is None:
                self._camera = Augmentation(self._views, self._pixels.size)
            whole = self._decoded(photo, self._camera.source_size)
            rare = self._rarities[row] > 1
            seen = self._camera.view(whole, photo.sha256, number, rare=rare)
        return torch.from_numpy(seen), int(self._labels[row])

    def _decoded(self, photo: CuratedPhoto, size: int) -> NDArray[np.uint8]:
        data = (self._folder / photo.path).read_bytes()
        return decode(data, size=size, max_pixels=MAX_PIXELS, resize=self._pixels.resize).pixels


class EpochSampler(Sampler[tuple[int, int]]):
    """Rows of an epoch with the numbers of their views, by seed and epoch alone.

    Each process takes its share of every batch, so that all together see the batches of one.

    Args:
        weights: ``(N,)`` probability of each row to be drawn, with replacement; none: every row
            once, in random order.
        batch: Rows of a batch over all processes; what does not fill one is left out.
    """

    def __init__(
        self,
        rows: int,
        weights: NDArray[np.float64] | None,
        *,
        batch: int,
        seed: int,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        self._rows, self._weights, self._seed = rows, weights, seed
        self._batch = min(batch, rows - rows % processes)
        self._share = self._batch // processes
        self._rank = rank
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer at the start of an epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._rows // self._batch * self._share

    def __iter__(self) -> Iterator[tuple[int, int]]:
        generator = np.random.default_rng((self._seed, self._epoch))
        if self._weights is None:
            order = generator.permutation(self._rows)
        else:
            order = generator.choice(self._rows, self._rows, p=self._weights)
        first = self._epoch * self._rows
        for start in range(0, self._rows - self._batch + 1, self._batch):
            own = start + self._rank * self._share
            yield from ((int(order[i]), first + i) for i in range(own, own + self._share))


def usable(photos: Sequence[CuratedPhoto]) -> list[CuratedPhoto]:
    """The photos with one of the four safety classes."""
    return [photo for photo in photos if photo.safety_class in NAMES]


def class_numbers(photos: Sequence[CuratedPhoto]) -> NDArray[np.int64]:
    """``(N,)`` numbers of the safety classes."""
    return np.array([NAMES.index(photo.safety_class) for photo in photos], dtype=np.int64)


def dealt(
    photos: Sequence[CuratedPhoto], share: float
) -> tuple[list[CuratedPhoto], list[CuratedPhoto]]:
    """Training and validation photos, whole specimens by the hash of their names."""
    held = [position(photo.group or photo.sha256, "finetune") < share for photo in photos]
    sides: tuple[list[CuratedPhoto], list[CuratedPhoto]] = ([], [])
    for photo, validates in zip(photos, held, strict=True):
        sides[validates].append(photo)
    return sides


def draw_weights(labels: NDArray[np.int64], power: float) -> NDArray[np.float64] | None:
    """``(N,)`` probability of each row by its label's count to minus ``power``."""
    if not power:
        return None
    raw = np.bincount(labels)[labels] ** -power
    return np.asarray(raw / raw.sum(), dtype=np.float64)
