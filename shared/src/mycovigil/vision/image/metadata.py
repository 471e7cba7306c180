"""Copies of photos that may be stored: small, upright, without metadata."""

import io

import numpy as np
from PIL import Image

from mycovigil.vision.image.decode import upright

QUALITY = 88


def strip_metadata(data: bytes, *, side: int) -> bytes:
    """An upright JPEG of at most ``side`` pixels a side, without EXIF, location or owner.

    Raises:
        OSError, ValueError, Image.DecompressionBombError: Pillow cannot read it.
    """
    with Image.open(io.BytesIO(data)) as image:
        image.draft("RGB", (side, side))
        whole = upright(image).convert("RGB")
        whole.thumbnail((side, side))
        clean = Image.fromarray(np.asarray(whole))
    stream = io.BytesIO()
    clean.save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()
