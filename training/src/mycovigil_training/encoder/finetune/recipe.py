"""Everything that decides how an ImageNet tower is fine-tuned, beside its photos."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from mycovigil_training.configuration import compose_as


class FinetuneRecipe(BaseModel):
    """Settings of `conf/encoder_finetune.yaml`, where their reasons stand.

    Attributes:
        sizes: Pairs of a progress in [0, 1] and the side of the views from there on, in pixels.
        side: Pixels of the cached squares.
        frozen_stages: Stages of the trunk, counted with the stem, that stay as they are.
        head_epochs: Epochs at the start in which the trunk does not move.
        layer_decay: Each stage learns at this share of the rate of the one above it.
        distillation: Weight of 1 - cosine to the ImageNet tower's features of the same view.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: str
    image_size: int = Field(ge=32)
    side: int = Field(ge=32)
    seed: int = Field(ge=0)
    batch_size: int = Field(ge=2)
    epochs: int = Field(ge=1)
    steps: int = Field(ge=1)
    head_epochs: int = Field(ge=0)
    frozen_stages: int = Field(ge=0)
    head_rate: float = Field(gt=0)
    trunk_rate: float = Field(gt=0)
    layer_decay: float = Field(gt=0, le=1)
    head_decay: float = Field(ge=0)
    trunk_decay: float = Field(ge=0)
    warmup: float = Field(gt=0, lt=1)
    averaging: float = Field(ge=0, lt=1)
    distillation: float = Field(ge=0)
    mixed_share: float = Field(ge=0, le=1)
    transplanted_share: float = Field(ge=0, le=1)
    sizes: tuple[tuple[float, int], ...]
    dimension: int = Field(ge=8)
    text_width: int = Field(ge=8)
    text_layers: int = Field(ge=1)

    def view_size(self, progress: float) -> int:
        """Side of the views at a progress in [0, 1]: small first, for speed."""
        return max(size for start, size in self.sizes if progress >= start)

    def rate(self, progress: float, warmup: float) -> float:
        """Share of the full learning rate: linear warm-up, then half a cosine."""
        if progress < warmup:
            return max(progress, 1e-3) / warmup
        passed = (progress - warmup) / (1.0 - warmup)
        return 0.5 * (1.0 + math.cos(math.pi * min(passed, 1.0)))


def compose(overrides: Sequence[str] = ()) -> FinetuneRecipe:
    """The recipe with Hydra `overrides`, as `epochs=2`.

    Raises:
        BadConfiguration: An unknown key, a wrong type, or a value out of its range.
    """
    return compose_as("encoder_finetune", FinetuneRecipe, overrides)
