"""From curated photos to features: decoded as in serving, encoded in batches, cached."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mycovigil import cpu
from mycovigil.models.safety import CLASSES
from mycovigil.vision.image.covariates import measure
from mycovigil.vision.image.decode import DecodedImage
from mycovigil_training import augmentation
from mycovigil_training.augmentation import Augmentation
from mycovigil_training.configuration import AugmentationConfig
from mycovigil_training.dataset.curated import CuratedPhoto
from mycovigil_training.dataset.pictures.fingerprint import MAX_PIXELS
from mycovigil_training.features.cache import FeatureCache
from mycovigil_training.features.engine import Engine
from mycovigil_training.features.table import UNLABELLED, FeatureTable, table
from mycovigil_training.progress import tracked

# Of photos, which a data version holds, and of their augmented views, which only training asks for.
CACHE_FOLDER, VIEWS_FOLDER = ".features", ".views"
Item = TypeVar("Item")
Made = TypeVar("Made")
LABELS = {name.value: number for number, name in enumerate(CLASSES)}


def extract(
    folder: Path, photos: Sequence[CuratedPhoto], engine: Engine, *, batch: int
) -> FeatureTable:
    """Features and covariates of every photo, in order; seen photos come from the cache, which is
    written batch by batch."""
    cache = FeatureCache(_cache_path(folder, engine), engine.identity.dimension)
    missing = [photo for photo in photos if _key(photo) not in cache]

    def seen(photo: CuratedPhoto) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        image = _decoded(folder, photo, engine)
        return image.pixels, measure(image).vector()

    chunks = [missing[start : start + batch] for start in range(0, len(missing), batch)]
    for chunk, made in _ahead(seen, chunks, "encoding photos"):
        features = engine.encode(np.stack([pixels for pixels, _ in made]))
        covariates = np.array([measured for _, measured in made])
        cache.put([_key(photo) for photo in chunk], features, covariates)
    rows = [cache.get(_key(photo)) for photo in photos]
    return table(
        [row[0] for row in rows],
        [row[1] for row in rows],
        [LABELS.get(photo.safety_class, UNLABELLED) for photo in photos],
        [photo.species for photo in photos],
        [photo.group for photo in photos],
        [photo.sha256 for photo in photos],
        dimension=engine.identity.dimension,
    )


def extract_views(
    folder: Path,
    photos: Sequence[CuratedPhoto],
    engine: Engine,
    config: AugmentationConfig,
    *,
    batch: int,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Features (m, D) of augmented views and the places (m,) of their photos, cached as well.

    Photos of rare classes have more views, and stronger ones.
    """
    width = engine.identity.dimension
    rarities = augmentation.rarities([photo.safety_class for photo in photos])
    wanted = [
        (place, number)
        for place, rarity in enumerate(rarities)
        for number in range(augmentation.view_count(config, rarity))
    ]
    if not wanted:
        return np.empty((0, width), np.float32), np.empty(0, np.int64)
    cache = FeatureCache(_cache_path(folder, engine, augmentation.digest(config)), width)
    cameras = threading.local()  # a camera's randomness is its own

    def views(photo: list[int]) -> list[NDArray[np.uint8]]:
        """Of one photo's rows of `wanted`."""
        if not hasattr(cameras, "own"):
            cameras.own = Augmentation(config, engine.identity.image_size)
        camera: Augmentation = cameras.own
        place = wanted[photo[0]][0]
        whole = _decoded(folder, photos[place], engine, camera.source_size).pixels
        sha256, rare = photos[place].sha256, rarities[place] > 1
        return [camera.view(whole, sha256, wanted[row][1], rare=rare) for row in photo]

    keys = [_view_key(photos[place], number, rarities[place]) for place, number in wanted]
    missing = [row for row, key in enumerate(keys) if key not in cache]
    chunks = [
        [
            list(rows)
            for _, rows in groupby(missing[start : start + batch], lambda row: wanted[row][0])
        ]
        for start in range(0, len(missing), batch)
    ]
    for chunk, made in _ahead(views, chunks, "encoding augmented views"):
        pixels = np.stack([view for photo in made for view in photo])
        cache.put([keys[row] for photo in chunk for row in photo], engine.encode(pixels))
    features = np.stack([cache.get(key)[0] for key in keys])
    return features, np.array([place for place, _ in wanted], np.int64)


def _key(photo: CuratedPhoto) -> str:
    """Of the bytes that are decoded, which differ from the photo as it came if it was scaled."""
    return photo.stored_sha256 or photo.sha256


def _view_key(photo: CuratedPhoto, number: int, rarity: float) -> str:
    return f"{_key(photo)}:{number}:{'rare' if rarity > 1 else 'usual'}"


def _decoded(
    folder: Path, photo: CuratedPhoto, engine: Engine, size: int | None = None
) -> DecodedImage:
    return engine.decoded((folder / photo.path).read_bytes(), max_pixels=MAX_PIXELS, size=size)


def _ahead(
    make: Callable[[Item], Made], chunks: Sequence[Sequence[Item]], what: str
) -> Iterator[tuple[Sequence[Item], list[Made]]]:
    """Each chunk with what `make` gives of its items, made while the chunk before is in use.

    One thread a processor: decoders let go of the interpreter's lock.
    """
    with ThreadPoolExecutor(cpu.available()) as threads:
        following = [threads.submit(make, item) for item in chunks[0]] if chunks else []
        for place in tracked(range(len(chunks)), what):
            ready = following
            after = chunks[place + 1] if place + 1 < len(chunks) else ()
            following = [threads.submit(make, item) for item in after]
            yield chunks[place], [one.result() for one in ready]


def _cache_path(folder: Path, engine: Engine, policy: str = "") -> Path:
    identity = engine.identity
    name = f"{identity.onnx_digest[:16]}-{identity.preprocessing_digest[:8]}"
    if policy:
        return folder / VIEWS_FOLDER / f"{name}-{policy}.rows"
    return folder / CACHE_FOLDER / f"{name}.rows"
