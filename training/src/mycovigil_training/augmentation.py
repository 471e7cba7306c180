"""Views of a training photo: turned, tilted, zoomed, in other light and colour, blurred, noisy,
compressed.

Albumentations does the work; each view is seeded by the photo's digest and the view's number,
so that features of views can be cached like those of photos.
"""

import hashlib
import json
import math
import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycovigil_training.configuration import AugmentationConfig

# Views are cropped from a square of so many times the encoder's size.
OVERSIZE = 2
# OpenCV's BORDER_REFLECT_101: corners show the photo again, and no black.
REFLECTED = 4


class Augmentation:
    """Camera-like augmentation to ``size`` pixels; the same seed gives the same view."""

    def __init__(self, config: AugmentationConfig, size: int) -> None:
        os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it asks the network otherwise
        self._usual = _pipeline(config, size, 1.0)
        self._rare = _pipeline(config, size, config.rare_strength)
        self.source_size = size * OVERSIZE

    def view(
        self, pixels: NDArray[np.uint8], sha256: str, number: int, *, rare: bool = False
    ) -> NDArray[np.uint8]:
        """View ``number`` of a photo: (size, size, 3) from (source_size, source_size, 3); stronger
        for a ``rare`` class."""
        pipeline = self._rare if rare else self._usual
        pipeline.set_random_seed((int(sha256[:8], 16) + number * 7_919) % 2**31)
        return np.asarray(pipeline(image=pixels)["image"], dtype=np.uint8)


def rarities(classes: Sequence[str]) -> list[float]:
    """For each photo, how many times as many photos the largest class has as its own."""
    counts = Counter(classes)
    largest = max(counts.values(), default=0)
    return [largest / counts[name] for name in classes]


def view_count(config: AugmentationConfig, rarity: float) -> int:
    """Views of a photo: by the square root of its class's rarity, so that a class of a hundredth
    of the photos is not a few of them all over."""
    if not config.views:
        return 0
    return min(round(config.views * math.sqrt(rarity)), max(config.most_views, config.views))


def digest(config: AugmentationConfig) -> str:
    """A name of the configuration's views, for the file of the feature cache."""
    described = json.dumps(config.model_dump(exclude={"views", "most_views"}), sort_keys=True)
    return hashlib.sha256(described.encode()).hexdigest()[:12]


def _pipeline(config: AugmentationConfig, size: int, strength: float) -> Any:
    import albumentations as A  # noqa: N812 (its own documentation's name)

    light = min(config.light * strength, 0.9)
    zoom = max(1 - (1 - config.smallest_crop) * strength, 0.2)
    return A.Compose(
        [
            A.Rotate(limit=config.rotation * strength, border_mode=REFLECTED, p=0.5),
            A.Perspective((0.01, max(config.perspective * strength, 0.011)), p=0.3),
            A.RandomResizedCrop((size, size), scale=(zoom, 1.0), ratio=(0.8, 1.25)),
            A.HorizontalFlip(p=0.5),
            A.RandomBrightnessContrast(light, light, p=0.8),
            A.RandomGamma((int(100 * (1 - light)), int(100 * (1 + light))), p=0.4),
            A.PlanckianJitter(
                temperature_limit=(4_000, 9_000), p=min(config.white_balance * strength, 1)
            ),
            A.HueSaturationValue(4 * strength, 25 * strength, 0, p=0.4),
            A.OneOf(
                [A.GaussianBlur((3, 5)), A.MotionBlur((3, 5)), A.Downscale((0.5, 0.9))],
                p=min(config.blur * strength, 1),
            ),
            A.GaussNoise((0.01, min(config.noise * strength, 0.5)), p=0.4),
            A.ImageCompression(quality_range=(config.lowest_jpeg_quality, 95), p=0.5),
        ]
    )
