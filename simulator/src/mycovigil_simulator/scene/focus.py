"""Depth of field: what is far from the plane of focus blurs."""

import numpy as np

from mycovigil_simulator.arrays import Array, Image
from mycovigil_simulator.raster import blend, blur, resize


def defocus(canvas: Image, depths: Array, focus: float) -> Image:
    """The canvas blurred where depths (cm) are off the plane of focus."""
    size = canvas.shape[0]
    side = size // 2
    away = np.abs(focus / np.maximum(depths[::2, ::2], 1e-3) - 1)
    share = np.clip(away * 2.6 - 0.5, 0, 1).astype(np.float32)
    small = blur(resize(canvas, side, area=True), 2.6 * side / 256)
    return blend(canvas, resize(small, size), resize(blur(share, 0.7), size))
