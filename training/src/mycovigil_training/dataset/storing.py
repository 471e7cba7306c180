"""Write curated photos: at most a standard size, whole or not at all."""

import io
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mycovigil import cpu
from mycovigil.vision.image.gallery import small_picture
from mycovigil_training.dataset.curated import digest_of
from mycovigil_training.dataset.layout import CLASSES_FOLDER
from mycovigil_training.dataset.pictures.examination import Examined
from mycovigil_training.dataset.species import DANGER
from mycovigil_training.progress import tracked

# What is copied as it is where it is small enough.
SUFFIXES = {"JPEG": "jpg", "MPO": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif"}
# JPEG of a photo that was scaled down; 4:4:4, since colour tells species apart.
QUALITY = 92
CHUNK = 64


def stored_path(photo: Examined, side: int) -> str:
    """Where a photo goes below the curated folder: ``Classes/<class>/<species>/<hash>.jpg``."""
    listed = photo.photo
    classed = listed.safety_class in DANGER
    home = Path(CLASSES_FOLDER, listed.safety_class) if classed else Path(listed.safety_class)
    species = (listed.species or "unnamed").replace(" ", "_").replace("/", "_")
    suffix = "jpg" if _is_scaled(photo, side) else SUFFIXES[photo.seen.format]
    return str(home / species / f"{photo.seen.sha256[:16]}.{suffix}")


def store(photos: Sequence[Examined], target: Path, side: int, *, again: bool) -> list[str]:
    """Write every photo to its place, upright and in sRGB where its longer side is over ``side``
    pixels, else its own bytes; ``again``: also those that stand there. Returns the files' SHA-256.

    Raises:
        OSError: the disk is full, or a photo is no longer there.
    """
    digests: list[str] = []
    with ThreadPoolExecutor(cpu.available()) as threads:
        for start in tracked(range(0, len(photos), CHUNK), "storing photos"):
            chunk = photos[start : start + CHUNK]
            digests += threads.map(lambda photo: _store(photo, target, side, again), chunk)
    return digests


def _store(photo: Examined, target: Path, side: int, again: bool) -> str:
    path = target / stored_path(photo, side)
    if again or not path.is_file():
        _write(photo, path, side)
    return digest_of(path)


def _write(photo: Examined, path: Path, side: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.part")
    if _is_scaled(photo, side):
        partial.write_bytes(_scaled(photo.photo.path.read_bytes(), side))
    else:
        shutil.copyfile(photo.photo.path, partial)
    partial.replace(path)


def _is_scaled(photo: Examined, side: int) -> bool:
    too_large = max(photo.seen.width, photo.seen.height) > side
    return too_large or photo.seen.format not in SUFFIXES


def _scaled(data: bytes, side: int) -> bytes:
    stream = io.BytesIO()
    small_picture(data, side=side).save(stream, "JPEG", quality=QUALITY, subsampling=0)
    return stream.getvalue()
