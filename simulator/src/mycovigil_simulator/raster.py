"""OpenCV's resizing, blurring and blending of pictures, typed."""

from typing import Any, TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from mycovigil_simulator.arrays import Array, Image

Picture = TypeVar("Picture", bound=NDArray[Any])


def resize(
    picture: Picture, width: int, height: int | None = None, *, area: bool = False
) -> Picture:
    """The picture at another size (a square without a height); `area` averages, to shrink."""
    method = cv2.INTER_AREA if area else cv2.INTER_LINEAR
    return cast("Picture", cv2.resize(picture, (width, height or width), interpolation=method))


def blur(picture: Picture, sd: float) -> Picture:
    """Gaussian blur with a standard deviation in pixels."""
    return cast("Picture", cv2.GaussianBlur(picture, (0, 0), sd))


def blend(first: Image, second: Image, share: Array) -> Image:
    """Two pictures (h, w, 3) by (h, w) shares of the second."""
    shares = share.astype(np.float32)
    return np.asarray(cv2.blendLinear(first, second, 1 - shares, shares), np.uint8)
