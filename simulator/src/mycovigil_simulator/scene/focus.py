"""Depth of field: what is far from the plane of focus blurs."""

import cv2
import numpy as np

from mycovigil_simulator.arrays import Array, Image


def defocus(canvas: Image, depths: Array, focus: float) -> Image:
    """The canvas blurred where depths (cm) are off the plane of focus."""
    size = canvas.shape[0]
    side = size // 2
    away = np.abs(focus / np.maximum(depths, 1e-3) - 1)
    share = np.clip(away * 2.6 - 0.5, 0, 1).astype(np.float32)
    share = cv2.GaussianBlur(share, (5, 5), 0)
    small = cv2.resize(canvas, (side, side), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 2.6 * side / 256)
    blurred = cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR)
    blended: Image = cv2.blendLinear(canvas, blurred, 1 - share, share)
    return blended
