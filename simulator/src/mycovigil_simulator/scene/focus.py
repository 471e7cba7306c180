"""Depth of field: what is far from the plane of focus blurs."""

import cv2
import numpy as np
from numpy.typing import NDArray

from mycovigil_simulator.colour import Image
from mycovigil_simulator.scene.view import View

Array = NDArray[np.float32]


def defocus(canvas: Image, depths: Array, view: View) -> Image:
    """The canvas with its surroundings blurred by their distance from the subject's plane."""
    side = view.size // 2
    away = np.abs(view.distance / np.maximum(depths, 1e-3) - 1)
    share = np.clip(away * 3.2 - 0.45, 0, 1).astype(np.float32)
    share = cv2.GaussianBlur(share, (5, 5), 0)
    small = cv2.resize(canvas, (side, side), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 2.6 * side / 256)
    blurred = cv2.resize(small, (view.size, view.size), interpolation=cv2.INTER_LINEAR)
    blended: Image = cv2.blendLinear(canvas, blurred, 1 - share, share)
    return blended
