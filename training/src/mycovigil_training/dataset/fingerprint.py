"""Fingerprints of photos: equal bytes, and equal pictures in other bytes."""

import hashlib
from dataclasses import dataclass

from mycovigil.vision.image import fingerprint as pictures
from mycovigil.vision.image.decode import decode

SIDE = 64
MAX_PIXELS = 100_000_000


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """``picture``: see :func:`mycovigil.vision.image.fingerprint.fingerprint`."""

    sha256: str
    picture: bytes
    format: str
    pixels: int


def fingerprint(data: bytes) -> Fingerprint:
    """Fingerprint of a photo's bytes.

    Raises:
        UndecodableImage, TooManyPixels: see :func:`mycovigil.vision.image.decode.decode`.
    """
    image = decode(data, size=SIDE, max_pixels=MAX_PIXELS, resize="squash")
    return Fingerprint(
        sha256=hashlib.sha256(data).hexdigest(),
        picture=pictures.fingerprint(image.pixels),
        format=image.format,
        pixels=image.width * image.height,
    )
