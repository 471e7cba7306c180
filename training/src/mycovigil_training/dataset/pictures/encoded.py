"""Photos as an encoder sees them, and pairs that it takes for one."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from mycovigil import cpu
from mycovigil_training.dataset.pictures.examination import Examined
from mycovigil_training.dataset.pictures.fingerprint import MAX_PIXELS
from mycovigil_training.features.engine import Engine
from mycovigil_training.progress import tracked

BATCH = 32
BLOCK = 512
# Photos of which a cropped copy is made, to see how alike the encoder finds one mushroom.
CROPPED = 200
CROP = 0.1
# Of cropped copies this share is found, unless too many pairs of two species are as alike.
FOUND = 0.95
MOST_STRANGERS = 1e-4
LARGER = 1.25


def encode(photos: Sequence[Examined], engine: Engine) -> NDArray[np.float32]:
    """(n, d) unit features, decoded as in serving."""
    rows = [np.empty((0, engine.identity.dimension), np.float32)]
    with ThreadPoolExecutor(cpu.available()) as threads:
        for start in tracked(range(0, len(photos), BATCH), "encoding photos"):
            chunk = photos[start : start + BATCH]
            pixels = threads.map(lambda photo: _pixels(photo, engine, 1.0), chunk)
            rows.append(engine.encode(np.stack(list(pixels))))
    return np.concatenate(rows)


def similarity_of_one(
    photos: Sequence[Examined], features: NDArray[np.float32], engine: Engine
) -> float:
    """The cosine from which on two photos count as one mushroom: as alike as .95 of photos are to
    their own cropped copies, and more alike than 1 in 10,000 pairs of two species."""
    rows = np.linspace(0, len(photos) - 1, min(CROPPED, len(photos))).astype(np.int64)
    copies = engine.encode(np.stack([_cropped(photos[row], engine) for row in rows]))
    own = np.einsum("nd,nd->n", copies, features[rows])
    species = np.array([photos[row].photo.species for row in rows])
    strangers = (features[rows] @ features[rows].T)[species[:, None] != species[None, :]]
    highest = np.quantile(strangers, 1 - MOST_STRANGERS) if len(strangers) else -1.0
    return float(max(np.quantile(own, 1 - FOUND), highest))


def alike(features: NDArray[np.float32], least: float) -> Iterator[tuple[int, int]]:
    """Places (i < j) of rows whose cosine is at least ``least``."""
    for start in range(0, len(features), BLOCK):
        left, right = np.nonzero(features[start : start + BLOCK] @ features.T >= least)
        left += start
        later = left < right
        yield from zip(left[later].tolist(), right[later].tolist(), strict=True)


def _cropped(photo: Examined, engine: Engine) -> NDArray[np.uint8]:
    larger = _pixels(photo, engine, LARGER)
    size = engine.identity.image_size
    first = round((len(larger) - size) * CROP / 2 * LARGER)
    return larger[first : first + size, first : first + size]


def _pixels(photo: Examined, engine: Engine, larger: float) -> NDArray[np.uint8]:
    data, size = photo.photo.path.read_bytes(), round(engine.identity.image_size * larger)
    return engine.decoded(data, max_pixels=MAX_PIXELS, size=size).pixels
