"""The photos of a run as Lightning's loaders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
from torch.utils.data import DataLoader

from mycovigil_training.dataset import curated
from mycovigil_training.dataset.curated import CuratedPhoto
from mycovigil_training.finetune.config import FinetuneConfig
from mycovigil_training.finetune.photos import (
    EpochSampler,
    PhotoViews,
    Pixels,
    class_numbers,
    dealt,
    draw_weights,
    usable,
)
from mycovigil_training.finetune.targets import NothingToLearn, Targets


@dataclass(frozen=True)
class Parts:
    """Training and validation photos of a curated folder, and what is learned from them."""

    folder: Path
    training: list[CuratedPhoto]
    validation: list[CuratedPhoto]
    targets: Targets

    @classmethod
    def of(cls, folder: Path, config: FinetuneConfig) -> Parts:
        """Deal the photos of a folder.

        Raises:
            NotCurated: The folder was not curated.
            NothingToLearn: A safety class without a photo, or no photo on one of the sides.
        """
        training, validation = dealt(usable(curated.read(folder)), config.validation)
        if not validation or not training:
            raise NothingToLearn(
                f"{len(training)} photos to train on and {len(validation)} to validate: "
                "add some of other specimens"
            )
        return cls(folder, training, validation, Targets.of(training, config.target))


class PhotoLoaders(lightning.LightningDataModule):
    """The photos as loaders, each process with its share of every batch."""

    def __init__(self, parts: Parts, pixels: Pixels, config: FinetuneConfig) -> None:
        super().__init__()
        self.parts, self.pixels, self.config = parts, pixels, config
        self.labels = parts.targets.labels(parts.training, config.target)

    def train_dataloader(self) -> Any:
        """Views of the training photos, drawn anew in each epoch."""
        config, parts = self.config, self.parts
        views = config.augmentation if config.augmentation.views else None
        photos = PhotoViews(parts.folder, parts.training, self.labels, self.pixels, views)
        trainer = self.trainer
        sampler = EpochSampler(
            len(photos),
            draw_weights(self.labels, config.imbalance.sampling),
            batch=config.batch,
            seed=config.seed,
            rank=trainer.global_rank if trainer else 0,
            processes=config.processes,
        )
        return self._loader(photos, sampler)

    def val_dataloader(self) -> Any:
        """The validation photos as they are, with their safety classes; all in each process."""
        parts = self.parts
        labels = class_numbers(parts.validation)
        photos = PhotoViews(parts.folder, parts.validation, labels, self.pixels, None)
        return self._loader(photos, [(row, 0) for row in range(len(photos))])

    def _loader(self, photos: PhotoViews, order: Any) -> Any:
        config = self.config
        return DataLoader(
            photos,
            sampler=order,
            batch_size=max(config.batch // config.processes, 1),
            num_workers=config.workers,
            persistent_workers=config.workers > 0,
        )
