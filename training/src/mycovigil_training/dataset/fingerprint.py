"""Fingerprints of photos: equal bytes, and equal pictures in other bytes."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mycovigil.vision.image.decode import decode

SIDE = 64
MAX_PIXELS = 100_000_000
# Of 64 difference-hash bits: one picture saved again, or scaled.
SAME_BITS = 3
# One specimen a moment later, or cropped: the same group.
NEAR_BITS = 10
SAME_COLOUR = 6.0
NEAR_COLOUR = 18.0
CHUNK = 1_024


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """``bits`` is the 64-bit difference hash, ``colours`` (48,) the mean colours of a 4 x 4
    grid, which tells apart flat pictures whose hashes agree by chance."""

    sha256: str
    bits: int
    colours: NDArray[np.float32]
    format: str
    pixels: int


def fingerprint(data: bytes) -> Fingerprint:
    """Fingerprint of a photo's bytes.

    Raises:
        UndecodableImage, TooManyPixels: see :func:`mycovigil.vision.image.decode.decode`.
    """
    image = decode(data, size=SIDE, max_pixels=MAX_PIXELS, resize="squash")
    small = np.asarray(
        Image.fromarray(image.pixels).convert("L").resize((9, 8), Image.Resampling.BOX),
        dtype=np.int16,
    )
    falling = (small[:, 1:] < small[:, :-1]).ravel()
    block = SIDE // 4
    colours = image.pixels.reshape(4, block, 4, block, 3).mean(axis=(1, 3), dtype=np.float32)
    return Fingerprint(
        sha256=hashlib.sha256(data).hexdigest(),
        bits=int(np.packbits(falling).view(">u8")[0]),
        colours=colours.ravel(),
        format=image.format,
        pixels=image.width * image.height,
    )


def pairs(
    prints: list[Fingerprint], *, most_bits: int, most_colour: float
) -> Iterator[tuple[int, int]]:
    """Positions (i < j) of pictures that differ by at most so much; 1e8 pairs take seconds."""
    bits = np.array([one.bits for one in prints], dtype=np.uint64)
    colours = np.stack([one.colours for one in prints]) if prints else np.empty((0, 48))
    for start in range(0, len(bits), CHUNK):
        block = bits[start : start + CHUNK, None] ^ bits[None, :]
        left, right = np.nonzero(np.bitwise_count(block) <= most_bits)
        left += start
        later = left < right
        left, right = left[later], right[later]
        alike = np.abs(colours[left] - colours[right]).mean(axis=1) <= most_colour
        yield from zip(left[alike].tolist(), right[alike].tolist(), strict=True)
