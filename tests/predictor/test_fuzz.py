"""Mutated files through the real decoder: an image or a problem, nothing else, in little time."""

import random
import resource
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from factories.photo import encoded, make_picture
from PIL import Image

from mycovigil.vision.image.covariates import measure
from mycovigil.vision.image.decode import TooManyPixels, UndecodableImage, decode

KINDS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
# Of CPU time, which does not depend on who else uses the machine.
MOST_SECONDS = 2.0
# A hostile header may promise 25 megapixels, for 16 bytes each in a WebP.
MOST_GROWTH_KILOBYTES = 500_000


def every_kind(width: int, height: int, seed: int = 0) -> list[bytes]:
    """Every format, and the variants that take other ways through the decoders."""
    picture = make_picture(width, height, seed)
    frames = {"save_all": True, "append_images": [make_picture(width, height, seed + 1)]}
    grey = np.asarray(picture.convert("L"))
    return [
        *(encoded(picture, kind) for kind in KINDS),
        encoded(picture, "JPEG", progressive=True, subsampling=0),
        encoded(picture.convert("CMYK"), "JPEG"),
        encoded(picture.convert("L"), "JPEG", icc_profile=bytes(200)),
        encoded(picture.convert("RGBA"), "PNG", exif=b"Exif\0\0MM\0*"),
        encoded(picture.convert("P"), "PNG", transparency=3),
        encoded(picture.convert("1"), "PNG"),
        encoded(Image.fromarray(grey.astype(np.uint16) << 8), "PNG"),
        encoded(Image.fromarray(grey.astype(np.float32)), "TIFF"),
        encoded(picture, "TIFF", compression="tiff_lzw"),
        encoded(picture, "TIFF", compression="jpeg"),
        encoded(picture.convert("1"), "TIFF", compression="group4"),
        encoded(picture, "WEBP", lossless=True, **frames),
        encoded(picture, "GIF", **frames),
    ]


def mutated(chance: random.Random, data: bytes) -> bytes:
    """Flip, cut, repeat or splice bytes."""
    found = bytearray(data)
    for _ in range(chance.randint(1, 12)):
        place = chance.randrange(len(found))
        kind = chance.random()
        if kind < 0.6:
            found[place] = chance.randrange(256)
        elif kind < 0.75:
            found[place : place + 4] = chance.choice([b"\xff\xff\xff\xff", bytes(4), b"\x7f\xff"])
        elif kind < 0.9:
            del found[place : place + chance.randint(1, 64)]
        else:
            found[place:place] = found[: chance.randint(1, 64)]
        if not found:
            return b"\0"
    return bytes(found)


def fuzz(sources: list[bytes], rounds: int) -> Iterator[float]:
    """Seconds of each decoding; anything but a picture or our errors is raised."""
    chance = random.Random(20_261_122)
    for _ in range(rounds):
        data = mutated(chance, chance.choice(sources))
        start = time.process_time()
        with suppress(UndecodableImage, TooManyPixels):
            measure(decode(data, size=32, max_pixels=60_000_000))
        yield time.process_time() - start


def check(sources: list[bytes], rounds: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    slowest = max(fuzz(sources, rounds))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert slowest < MOST_SECONDS
    assert grown < MOST_GROWTH_KILOBYTES


def test_short() -> None:
    check(every_kind(120, 90), 400)


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_long_with_real_photos(photos: Path) -> None:
    real = sorted(photos.glob("kaggle_subset/Classes/*/*/*"))[::20]
    made = [photo for seed in range(3) for photo in every_kind(400, 300, seed)]
    check([path.read_bytes() for path in real] + made, 5_000)
