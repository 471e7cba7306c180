"""What stands behind the ground's edge: a wood or a meadow, far out of focus."""

from functools import lru_cache

import cv2
import numpy as np

from mycovigil_simulator.arrays import Image
from mycovigil_simulator.raster import blur
from mycovigil_simulator.scene.litter import rgb

SIDE = 256
VARIANTS = 10
TONES = (
    ("#5a6a34", "#2c3a1c"),
    ("#7a8a4a", "#3c4c24"),
    ("#6a5a3a", "#33281a"),
    ("#8a9a78", "#4a5a3a"),
    ("#3c4a2a", "#1e2614"),
)


@lru_cache(maxsize=VARIANTS)
def backdrop(variant: int) -> Image:
    """Blurred trunks, leaves and light, sRGB (SIDE, SIDE, 3)."""
    rng = np.random.default_rng([variant, 9])
    bright, dark = (np.array(rgb(code), np.float32) for code in TONES[variant % len(TONES)])
    share = np.linspace(0, 1, SIDE, dtype=np.float32)[:, None, None]
    canvas = np.broadcast_to(bright + (dark - bright) * share, (SIDE, SIDE, 3)).copy()
    for _ in range(int(rng.integers(2, 9))):
        at, wide = rng.uniform(0, SIDE), rng.uniform(5, 26)
        tone = dark * rng.uniform(0.5, 1.3)
        trunk = np.array([[at - wide / 2, 0], [at + wide / 2, 0], [at + wide, SIDE], [at, SIDE]])
        cv2.fillPoly(canvas, [trunk.astype(np.int32)], tuple(map(float, tone)))
    for _ in range(int(rng.integers(20, 70))):
        centre = (int(rng.uniform(0, SIDE)), int(rng.beta(1.2, 2) * SIDE))
        tone = bright * rng.uniform(0.7, 1.9)
        cv2.circle(canvas, centre, int(rng.uniform(3, 16)), tuple(map(float, tone)), -1)
    return blur(np.asarray(np.clip(canvas, 0, 255), np.uint8), float(rng.uniform(4, 11)))
