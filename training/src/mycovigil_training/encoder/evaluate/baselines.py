"""What an encoder has to beat: a colour histogram, and its own tower untrained."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from mycovigil_training.encoder.export.graph import graph_features
from mycovigil_training.encoder.pretrain.towers import MEAN, STD, Mini, MiniConfig
from mycovigil_training.encoder.source import Source

BINS = 6


def colour_histogram(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Square roots of the shares of 6 x 6 x 6 colours: `(n, h, w, 3)` to `(n, 216)`."""
    level = pixels.reshape(len(pixels), -1, 3).astype(np.int64) * BINS // 256
    code = (level[..., 0] * BINS + level[..., 1]) * BINS + level[..., 2]
    counts = np.stack([np.bincount(row, minlength=BINS**3) for row in code])
    return np.asarray(np.sqrt(counts / code.shape[1]), dtype=np.float32)


def random_tower(pixels: NDArray[np.uint8], seed: int = 0) -> NDArray[np.float32]:
    """Features of `mini` before its first step."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Mini(MiniConfig()).eval()
    source = Source(
        "random", "resnet10t-thin", model.image, model.config.image_size, "shortest", MEAN, STD, ""
    )
    return graph_features(source, pixels)
