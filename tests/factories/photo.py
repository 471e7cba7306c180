"""Photos as bytes, made from a seed."""

import io
from typing import Any

import numpy as np
from PIL import Image


def make_picture(width: int = 96, height: int = 64, seed: int = 0) -> Image.Image:
    """Smooth colours with a bright corner, so that turning it is seen."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    small[0, 0] = 255
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def make_photo(
    width: int = 96, height: int = 64, seed: int = 0, kind: str = "JPEG", **options: Any
) -> bytes:
    """An encoded picture; ``options`` go to Pillow's ``save``."""
    return encoded(make_picture(width, height, seed), kind, **options)


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()
