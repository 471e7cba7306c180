"""Which photos make a batch: fixed shares of four pools, large folders and bursts toned down."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from mycovigil_training.encoder.pretrain.photographs import Photographs

SHARES = {"real": 0.55, "rendered": 0.25, "real_empty": 0.14, "rendered_empty": 0.06}


class BatchSampler:
    """Draws rows with replacement; a photo of a burst of k weighs 1 / sqrt(k).

    A folder of n photos weighs sqrt(n): one photographer's thousands must not drown the hundreds
    that many others took.
    """

    def __init__(self, photos: Photographs, batch_size: int, seed: int) -> None:
        self._generator = np.random.default_rng(seed)
        self._pools = [
            (rows, _weights(photos, rows), size) for rows, size in _pool_sizes(photos, batch_size)
        ]

    def draw(self) -> NDArray[np.int64]:
        """Positions of one batch."""
        return np.concatenate(
            [self._generator.choice(rows, size, p=p) for rows, p, size in self._pools]
        )

    def state(self) -> dict[str, object]:
        """The generator's state, to resume from."""
        return dict(self._generator.bit_generator.state)

    def restore(self, state: dict[str, object]) -> None:
        """Go on from a `state()`."""
        self._generator.bit_generator.state = state


def _pool_sizes(photos: Photographs, batch_size: int) -> list[tuple[NDArray[np.int64], int]]:
    empty = np.array([kind == "not_mushroom" for kind in photos.safety_class])
    masks = {
        "real": ~empty & ~photos.rendered,
        "rendered": ~empty & photos.rendered,
        "real_empty": empty & ~photos.rendered,
        "rendered_empty": empty & photos.rendered,
    }
    pools = {name: np.flatnonzero(mask) for name, mask in masks.items() if mask.any()}
    total = sum(SHARES[name] for name in pools)
    sizes = {name: round(batch_size * SHARES[name] / total) for name in pools}
    largest = max(sizes, key=lambda name: sizes[name])
    sizes[largest] += batch_size - sum(sizes.values())
    return [(pools[name], sizes[name]) for name in pools]


def _weights(photos: Photographs, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    size = Counter(photos.group[row] for row in rows)
    weight = np.array([size[photos.group[row]] ** -0.5 for row in rows])
    collection = np.array([photos.collection[row] for row in rows])
    for name, count in Counter(collection.tolist()).items():
        own = collection == name
        weight[own] *= count**0.5 / weight[own].sum()
    return np.asarray(weight / weight.sum())
