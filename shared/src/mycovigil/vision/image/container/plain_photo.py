"""A photo file without its metadata, with what has to survive them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

UPRIGHT = 1
# Coded data of no picture, without markers of a JPEG.
NOISE = np.random.default_rng(0).integers(1, 255, 4_096, dtype=np.uint8).tobytes()


@dataclass(frozen=True, slots=True)
class PlainPhoto:
    """A photo file that was taken apart.

    Attributes:
        data: A file of the same format with the same pixels: no metadata, nothing behind the
            first picture. If ``whole`` is false, it ends where the given file did.
        profile: ICC profile; empty if there is none, or none that can be read.
        orientation: As EXIF counts them, 1 to 8.
        passes: Passes of the decoder over all pixels.
        whole: Whether the file goes on to the end of its picture.
        shows_itself: Whether a browser shows ``data`` with its profile and orientation as
            :mod:`mycovigil.vision.image.decode` reads it: opaque, 8-bit, one picture.
    """

    format: Literal["JPEG", "PNG", "WEBP"]
    data: bytes
    profile: bytes = b""
    orientation: int = UPRIGHT
    passes: int = 1
    whole: bool = True
    shows_itself: bool = True


def noise(size: int) -> bytes:
    """So many bytes in place of missing ones."""
    return (NOISE * (size // len(NOISE) + 1))[:size]
