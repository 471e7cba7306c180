"""Batches for the caption objective: random views of drawn photos with what is said of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mycovigil_training.encoder.pretrain.augmentation import mix, random_view, transplant
from mycovigil_training.encoder.pretrain.captions import CaptionSet, Vocabulary, captions_of
from mycovigil_training.encoder.pretrain.objective import Batch
from mycovigil_training.encoder.pretrain.photographs import Photographs

Channels = tuple[float, float, float]


@dataclass(frozen=True)
class ViewSettings:
    """How views are made: shares of blends and of exchanged surroundings, and normalisation."""

    mixed_share: float
    transplanted_share: float
    mean: Channels
    std: Channels


class BatchMaker:
    """Draws views of photos; all randomness comes from the generator that is passed in."""

    def __init__(self, photos: Photographs, settings: ViewSettings) -> None:
        self.captions = caption_set(photos)
        templates = [text for texts in self.captions.texts.values() for text in texts]
        self.vocabulary = Vocabulary.of([*templates, *photos.caption])
        self._settings = settings
        self._mean = torch.tensor(settings.mean).view(1, 3, 1, 1)
        self._std = torch.tensor(settings.std).view(1, 3, 1, 1)
        self._pixels = torch.from_numpy(photos.pixels)
        self._aspect = torch.from_numpy(photos.aspect)
        self._empty = torch.tensor([kind == "not_mushroom" for kind in photos.safety_class])
        self._descriptions = photos.caption
        self._index = {level: torch.from_numpy(i) for level, i in self.captions.index.items()}

    def batch(self, rows: NDArray[np.int64], size: int, generator: torch.Generator) -> Batch:
        """Normalised views of `rows`, `size` pixels a side, in channels-last order."""
        settings, index = self._settings, torch.from_numpy(rows)
        views = random_view(self._pixels[index], self._aspect[index], size, generator)
        views = transplant(views, self._empty[index], settings.transplanted_share, generator)
        views = (views - self._mean) / self._std
        captions = {level: caption[index] for level, caption in self._index.items()}
        targets = [(captions, 1.0)]
        described = [i for i, row in enumerate(rows) if self._descriptions[row]]
        if float(torch.rand(1, generator=generator)) < settings.mixed_share:
            views, order, share = mix(views, generator)
            others = {level: caption[order] for level, caption in captions.items()}
            targets = [(captions, share), (others, 1.0 - share)]
            described = []  # a blend has no description
        tokens = self.vocabulary.tokens([self._descriptions[rows[i]] for i in described])
        return Batch(
            views.contiguous(memory_format=torch.channels_last),
            targets,
            torch.tensor(described, dtype=torch.int64),
            torch.from_numpy(tokens),
        )


def caption_set(photos: Photographs) -> CaptionSet:
    """The captions of all photos, at every level."""
    known = zip(photos.species, photos.safety_class, photos.rendered, strict=True)
    return CaptionSet.of(
        [
            captions_of(species, safety_class, rendered=bool(rendered))
            for species, safety_class, rendered in known
        ]
    )
