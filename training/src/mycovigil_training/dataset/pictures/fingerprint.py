"""What curation sees of a photo: its bytes' hash, its picture's fingerprint, and a small look."""

import hashlib
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from mycovigil.vision.image import fingerprint as pictures
from mycovigil.vision.image.decode import decode

MAX_PIXELS = 100_000_000
# Pixels a side of a look, and of the blocks in which two looks are compared.
LOOK = 64
BLOCK = 4
LOOK_BYTES = 3 * LOOK * LOOK
# Of real photos that were saved again .99 are within both, of those scaled to .5 or .6 as well
# .94 to .99; of 2,340 pairs of drawn mushrooms on one table none is. A photo that is beyond stays,
# as one of the same specimen.
MOST_DIFFERENT = 0.1
MOST_SHIFTED = 0.5
# Levels that saving again moves a block of one colour by, and their variance.
ROUNDING = 0.5


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """``picture``: see :func:`mycovigil.vision.image.fingerprint.fingerprint`; ``look``: the
    squashed picture, uint8 (64, 64, 3) as bytes; ``captured_at`` (ISO 8601) and ``camera`` from
    EXIF, empty where it does not say."""

    sha256: str
    picture: bytes
    look: bytes
    format: str
    width: int
    height: int
    captured_at: str = ""
    camera: str = ""

    @property
    def pixels(self) -> int:
        return self.width * self.height


def fingerprint(data: bytes) -> Fingerprint:
    """Fingerprint of a photo's bytes, decoded as the predictor decodes.

    Raises:
        UndecodableImage, TooManyPixels: see :func:`mycovigil.vision.image.decode.decode`.
    """
    image = decode(data, size=LOOK, max_pixels=MAX_PIXELS, resize="squash")
    captured_at, camera = _exif(data)
    return Fingerprint(
        sha256=hashlib.sha256(data).hexdigest(),
        picture=pictures.fingerprint(image.pixels),
        look=image.pixels.tobytes(),
        format=image.format,
        width=image.width,
        height=image.height,
        captured_at=captured_at,
        camera=camera,
    )


def same_picture(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(n,) whether pairs of looks, uint8 (n, 64, 64, 3), show one picture.

    Fingerprints of pictures agree on what is alike, which on a white table is all but the
    mushroom. Here the difference is measured by what the pictures hold beside a smooth ground: by
    its energy, and by the block whose colour differs most.
    """
    first, second = (look.reshape(-1, LOOK * LOOK, 3).astype(np.float32) for look in (left, right))
    first, second = first - _ground(first), second - _ground(second)
    held = np.minimum(np.square(first).mean(axis=(1, 2)), np.square(second).mean(axis=(1, 2)))
    different = np.square(first - second).mean(axis=(1, 2))
    shape = (-1, LOOK // BLOCK, BLOCK, LOOK // BLOCK, BLOCK, 3)
    blocks = np.subtract(left, right, dtype=np.float32).reshape(shape).mean(axis=(2, 4))
    shifted = np.abs(blocks).max(axis=(1, 2, 3))
    return np.asarray(
        (different <= MOST_DIFFERENT * held + ROUNDING**2)
        & (shifted <= MOST_SHIFTED * np.sqrt(held) + ROUNDING),
        np.bool_,
    )


def _ground(look: NDArray[np.float32]) -> NDArray[np.float32]:
    """The quadratic surface nearest to each channel: a table and its vignette."""
    y, x = np.mgrid[-1 : 1 : LOOK * 1j, -1 : 1 : LOOK * 1j].reshape(2, -1)
    basis, _ = np.linalg.qr(np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1))
    surface = basis.astype(np.float32)
    return np.asarray(surface @ (surface.T @ look), np.float32)


def _exif(data: bytes) -> tuple[str, str]:
    """When and by which camera, as far as EXIF can be read."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            exif = image.getexif()
            taken = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal)
            names = [exif.get(tag) for tag in (ExifTags.Base.Make, ExifTags.Base.Model)]
    except Exception:  # Pillow raises nearly everything on broken EXIF
        return "", ""
    camera = " ".join(name.strip(" \0") for name in names if isinstance(name, str))
    return _iso(taken), camera.strip()


def _iso(taken: object) -> str:
    """``2020:09:01 10:00:00`` as ISO 8601; empty for what is no date ("0000:00:00 00:00:00")."""
    text = taken.strip(" \0") if isinstance(taken, str) else ""
    if len(text) < 10 or not text[:4].isdigit() or text.startswith("0000"):
        return ""
    return f"{text[:10].replace(':', '-')}{'T' + text[11:19] if len(text) >= 19 else ''}"
