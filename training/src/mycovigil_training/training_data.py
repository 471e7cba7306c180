"""What a training run works on: a curated folder as features."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mycovigil_training.configuration import TrainConfig
from mycovigil_training.dataset import curated
from mycovigil_training.dataset.curated import CuratedPhoto
from mycovigil_training.dataset.species import DANGER
from mycovigil_training.features.engine import Engine
from mycovigil_training.features.extraction import extract, extract_views
from mycovigil_training.features.table import FeatureTable
from mycovigil_training.register.reference_photos import ReferencePhotos


@dataclass(frozen=True, slots=True)
class TrainingData:
    """``photos`` and ``table`` row by row; ``foreign`` (M, D) features without a mushroom, and
    their ``foreign_sha256``; ``content_hash`` of the whole folder."""

    folder: Path
    photos: tuple[CuratedPhoto, ...]
    table: FeatureTable
    foreign: NDArray[np.float32]
    foreign_sha256: tuple[str, ...]
    content_hash: str

    @property
    def reference_photos(self) -> ReferencePhotos:
        return ReferencePhotos.of(self.folder, self.photos)

    def views(
        self, rows: NDArray[np.int64], engine: Engine, config: TrainConfig
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """(m, D) features of augmented views of these rows, and (m,) places among the rows."""
        chosen = [self.photos[row] for row in rows]
        return extract_views(
            self.folder, chosen, engine, config.augmentation, batch=config.encode_batch
        )


def gather(folder: Path, engine: Engine, config: TrainConfig) -> TrainingData:
    """Features of a curated folder's photos.

    Raises:
        NotCurated: the folder was not curated.
    """
    photos = curated.read(folder)
    mushrooms = tuple(photo for photo in photos if photo.safety_class in DANGER)
    others = [photo for photo in photos if photo.safety_class not in DANGER]
    table = extract(folder, mushrooms, engine, batch=config.encode_batch)
    foreign = extract(folder, others, engine, batch=config.encode_batch).features
    return TrainingData(
        folder=folder,
        photos=mushrooms,
        table=table,
        foreign=foreign,
        foreign_sha256=tuple(photo.sha256 for photo in others),
        content_hash=curated.content_hash(photos),
    )
