"""From curated photos to features: decoded as in serving, encoded in batches, cached."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mycovigil.models.safety import CLASSES
from mycovigil.vision.image.covariates import measure
from mycovigil.vision.image.decode import DecodedImage, decode
from mycovigil_training import augmentation
from mycovigil_training.augmentation import Augmentation
from mycovigil_training.configuration import AugmentationConfig
from mycovigil_training.dataset.curated import CuratedPhoto
from mycovigil_training.dataset.pictures.fingerprint import MAX_PIXELS
from mycovigil_training.features.cache import FeatureCache
from mycovigil_training.features.engine import Engine
from mycovigil_training.features.table import UNLABELLED, FeatureTable, table
from mycovigil_training.progress import tracked

CACHE_FOLDER = ".features"
LABELS = {name.value: number for number, name in enumerate(CLASSES)}


def extract(
    folder: Path, photos: Sequence[CuratedPhoto], engine: Engine, *, batch: int
) -> FeatureTable:
    """Features and covariates of every photo, in order; seen photos come from the cache."""
    cache = FeatureCache(_cache_path(folder, engine, "photos"))
    missing = [photo for photo in photos if photo.sha256 not in cache]
    for chunk in _chunks(missing, batch, "encoding photos"):
        images = [_decoded(folder, photo, engine, engine.identity.image_size) for photo in chunk]
        features = engine.encode(np.stack([image.pixels for image in images]))
        for photo, image, row in zip(chunk, images, features, strict=True):
            cache.put(photo.sha256, row, measure(image).vector())
    cache.save()
    rows = [cache.get(photo.sha256) for photo in photos]
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
) -> NDArray[np.float32]:
    """(N, views, D) features of augmented views, cached as well."""
    shape = (len(photos), config.views, engine.identity.dimension)
    if not config.views:
        return np.empty(shape, dtype=np.float32)
    cache = FeatureCache(_cache_path(folder, engine, augmentation.digest(config)))
    camera = Augmentation(config, engine.identity.image_size)
    missing = [p for p in photos if f"{p.sha256}:{config.views - 1}" not in cache]
    for chunk in _chunks(missing, max(batch // config.views, 1), "encoding augmented views"):
        keys, views = [], []
        for photo in chunk:
            pixels = _decoded(folder, photo, engine, camera.source_size).pixels
            keys += [f"{photo.sha256}:{number}" for number in range(config.views)]
            views += [camera.view(pixels, photo.sha256, n) for n in range(config.views)]
        for key, row in zip(keys, engine.encode(np.stack(views)), strict=True):
            cache.put(key, row, np.empty(0))
    cache.save()
    keys = [f"{photo.sha256}:{n}" for photo in photos for n in range(config.views)]
    return np.asarray([cache.get(key)[0] for key in keys], dtype=np.float32).reshape(shape)


def _decoded(folder: Path, photo: CuratedPhoto, engine: Engine, size: int) -> DecodedImage:
    data = (folder / photo.path).read_bytes()
    return decode(
        data,
        size=size,
        max_pixels=MAX_PIXELS,
        resize=engine.identity.resize,
        draft_factor=engine.identity.draft_factor,
    )


def _chunks(
    photos: Sequence[CuratedPhoto], size: int, what: str
) -> Iterator[tuple[CuratedPhoto, ...]]:
    for start in tracked(range(0, len(photos), size), what):
        yield tuple(photos[start : start + size])


def _cache_path(folder: Path, engine: Engine, kind: str) -> Path:
    identity = engine.identity
    name = f"{identity.onnx_digest[:16]}-{identity.preprocessing_digest[:8]}-{kind}.npz"
    return folder / CACHE_FOLDER / name
