"""Contact sheets and pairs of photos, small enough to stand inside a page."""

import base64
import hashlib
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image

from mycovigil.vision.image.gallery import small_picture
from mycovigil_training.dataset.curated import CuratedPhoto

SIDE = 112
COLUMNS = 8
QUALITY = 80


def contact_sheet(folder: Path, photos: Iterable[CuratedPhoto], most: int) -> str:
    """A data address of a JPEG of ``most`` photos, chosen by their hashes."""
    chosen = sorted(photos, key=lambda photo: hashlib.sha256(photo.sha256.encode()).digest())
    return sheet([folder / photo.path for photo in chosen[:most]])


def sheet(paths: Sequence[Path]) -> str:
    """A data address of a JPEG that shows photos side by side; grey where one cannot be read."""
    columns, rows = min(COLUMNS, len(paths)), -(-len(paths) // COLUMNS)
    picture = Image.new("RGB", (SIDE * max(columns, 1), SIDE * max(rows, 1)), "grey")
    for place, path in enumerate(paths):
        if (small := _small(path)) is not None:
            left = place % COLUMNS * SIDE + (SIDE - small.width) // 2
            picture.paste(small, (left, place // COLUMNS * SIDE + (SIDE - small.height) // 2))
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"


def _small(path: Path) -> Image.Image | None:
    try:
        return small_picture(path.read_bytes(), side=SIDE - 4)
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
