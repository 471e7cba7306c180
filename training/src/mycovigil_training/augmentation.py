"""Views of a training photo: other crops, light, white balance, blur, noise and compression.

Albumentations does the work; each view is seeded by the photo's digest and the view's number,
so that features of views can be cached like those of photos.
"""

import hashlib
import json
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycovigil_training.configuration import AugmentationConfig

# Views are cropped from a square of so many times the encoder's size.
OVERSIZE = 2


class Augmentation:
    """Camera-like augmentation to ``size`` pixels; the same seed gives the same view."""

    def __init__(self, config: AugmentationConfig, size: int) -> None:
        os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it asks the network otherwise
        self._pipeline = _pipeline(config, size)
        self.source_size = size * OVERSIZE

    def view(self, pixels: NDArray[np.uint8], sha256: str, number: int) -> NDArray[np.uint8]:
        """View ``number`` of a photo: (size, size, 3) from (source_size, source_size, 3)."""
        self._pipeline.set_random_seed((int(sha256[:8], 16) + number * 7_919) % 2**31)
        return np.asarray(self._pipeline(image=pixels)["image"], dtype=np.uint8)


def digest(config: AugmentationConfig) -> str:
    """A name of the configuration's views, for the file of the feature cache."""
    described = json.dumps(config.model_dump(exclude={"views"}), sort_keys=True)
    return hashlib.sha256(described.encode()).hexdigest()[:12]


def _pipeline(config: AugmentationConfig, size: int) -> Any:
    import albumentations as A  # noqa: N812 (its own documentation's name)

    light = config.light
    return A.Compose(
        [
            A.RandomResizedCrop((size, size), scale=(config.smallest_crop, 1.0), ratio=(0.8, 1.25)),
            A.HorizontalFlip(p=0.5),
            A.RandomBrightnessContrast(light, light, p=0.8),
            A.RandomGamma((int(100 * (1 - light)), int(100 * (1 + light))), p=0.4),
            A.PlanckianJitter(temperature_limit=(4_000, 9_000), p=config.white_balance),
            A.HueSaturationValue(4, 25, 0, p=0.4),
            A.OneOf(
                [A.GaussianBlur((3, 5)), A.MotionBlur((3, 5)), A.Downscale((0.5, 0.9))],
                p=config.blur,
            ),
            A.GaussNoise((0.01, config.noise), p=0.4),
            A.ImageCompression(quality_range=(config.lowest_jpeg_quality, 95), p=0.5),
        ]
    )
