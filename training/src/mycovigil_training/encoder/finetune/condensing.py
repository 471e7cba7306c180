"""From fine-tuned weights to the tower that is exported: interpolated, and with fewer features."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from torch import Tensor, nn
from torch.nn import functional

from mycovigil_training.encoder.export.non_mushroom import caption_direction
from mycovigil_training.encoder.export.sample_photos import squares
from mycovigil_training.encoder.finetune.photos import training_rows
from mycovigil_training.encoder.finetune.weights import (
    LICENCE,
    MEAN,
    STD,
    imagenet_tower,
    network,
)
from mycovigil_training.encoder.finetune.weights_file import Finetuned, load_finetuned
from mycovigil_training.encoder.pretrain.rendered import FIRST_SEED, as_file, draw
from mycovigil_training.encoder.pretrain.towers import MiniConfig, TextTower
from mycovigil_training.encoder.tower_file import CONDENSED, CondensedTower, Tower, TowerFacts

RENDERED = 800  # drawn photos that the axes are found on, beside the real ones
BATCH = 64


def condensed(
    weights: Path,
    wheel: Path,
    *,
    name: str,
    share: float,
    dimension: int,
    photos: Iterable[Path],
    whole: Iterable[Path],
) -> tuple[Tower, str]:
    """The tower to export, and the photos that it learned from.

    Args:
        weights: What `mycovigil encoder finetune` wrote.
        wheel: The ImageNet weights that it began with.
        name: Name of the encoder.
        share: Of the fine-tuned weights, the rest ImageNet's (WiSE-FT, Wortsman et al., 2022).
        dimension: Features that are kept: the space of the first principal axes on the training
            photos, turned at random. Heads divide each feature by its spread, which along the
            principal axes themselves would make much of noise.
        photos, whole: As for the fine-tuning.

    Raises:
        ValueError: `weights` is of another kind, or the wheel another file.
    """
    tuned = load_finetuned(weights)
    body = network(tuned.recipe.architecture)
    body.load_state_dict(_interpolated(imagenet_tower(wheel).state_dict(), tuned.network, share))
    body.eval()
    size = tuned.recipe.image_size
    files = [row.path.read_bytes() for _, row in training_rows(list(photos), list(whole))]
    files += [as_file(draw(place, FIRST_SEED)) for place in range(RENDERED)]
    axes = PCA(dimension, svd_solver="covariance_eigh").fit(_features(body, files, size))
    tower = CondensedTower(body, dimension)
    turned = _rotation(dimension) @ axes.components_
    tower.project(torch.from_numpy(turned.astype(np.float32)), torch.from_numpy(axes.mean_))
    facts = TowerFacts(
        library=CONDENSED,
        architecture=f"{tuned.recipe.architecture}:{dimension}",
        name=name,
        image_size=size,
        resize="shortest",
        mean=MEAN,
        std=STD,
        licence=f"{LICENCE}; the photos it was fine-tuned on state none (MODEL_CARD.md)",
        non_mushroom_direction=_direction(tuned, tower),
    )
    return Tower(tower.eval(), facts), tuned.trained_on


def _interpolated(
    imagenet: dict[str, Tensor], tuned: dict[str, Tensor], share: float
) -> dict[str, Tensor]:
    return {
        name: torch.lerp(value, tuned[name], share) if value.is_floating_point() else value
        for name, value in imagenet.items()
    }


def _rotation(dimension: int) -> NDArray[np.float64]:
    """A fixed random rotation: all features spread alike, and no cosine changes."""
    normal = np.random.default_rng(0).standard_normal((dimension, dimension))
    return np.asarray(np.linalg.qr(normal)[0])


def _features(body: nn.Module, files: list[bytes], size: int) -> NDArray[np.float32]:
    """`(N, width)` pooled features of unit length."""
    rows = []
    for start in range(0, len(files), BATCH):
        pixels = torch.from_numpy(squares(files[start : start + BATCH], size, "shortest"))
        with torch.inference_mode():
            seen = body((pixels.permute(0, 3, 1, 2).float() / 255.0 - MEAN[0]) / STD[0])
        rows.append(functional.normalize(seen, dim=1).numpy())
    return np.concatenate(rows)


def text_tower(tuned: Finetuned) -> TextTower:
    """The tower of captions that learned beside the network, in eval mode."""
    recipe, prefix = tuned.recipe, "text."
    text = TextTower(
        MiniConfig(
            dimension=recipe.dimension,
            text_width=recipe.text_width,
            text_layers=recipe.text_layers,
            words=tuned.words,
        )
    )
    text.load_state_dict(
        {k.removeprefix(prefix): v for k, v in tuned.rest.items() if k.startswith(prefix)}
    )
    return text.eval()


def _direction(tuned: Finetuned, tower: CondensedTower) -> tuple[float, ...]:
    """Where its own text tower puts photos without a mushroom, in the condensed space."""
    shared = caption_direction(text_tower(tuned), tuned.words)
    raw = tower.axes.weight @ (tuned.rest["image.projection.weight"].T @ shared)
    return tuple(functional.normalize(raw, dim=0).tolist())
