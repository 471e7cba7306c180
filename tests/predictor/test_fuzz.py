"""Mutated files through the real decoder: an image or a problem, nothing else, in little time."""

import random
import resource
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from factories.photo import make_photo

from mycovigil.image.covariates import measure
from mycovigil.image.decode import TooManyPixels, UndecodableImage, decode

KINDS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
MOST_SECONDS = 2.0
MOST_GROWTH_KILOBYTES = 700_000


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
        start = time.perf_counter()
        with suppress(UndecodableImage, TooManyPixels):
            measure(decode(data, size=32, max_pixels=60_000_000))
        yield time.perf_counter() - start


def check(sources: list[bytes], rounds: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    slowest = max(fuzz(sources, rounds))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert slowest < MOST_SECONDS
    assert grown < MOST_GROWTH_KILOBYTES


def test_short() -> None:
    check([make_photo(200, 150, seed=i, kind=kind) for i, kind in enumerate(KINDS)], 600)


@pytest.mark.slow
def test_long_with_real_photos(photos: Path) -> None:
    real = sorted(photos.glob("kaggle_subset/Classes/*/*/*"))[::20]
    made = [make_photo(400, 300, seed=i, kind=kind) for i, kind in enumerate(KINDS * 3)]
    check([path.read_bytes() for path in real] + made, 5_000)
