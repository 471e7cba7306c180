"""Decode a photo to the encoder's pixels: bounded, upright, sRGB and opaque."""

import struct
import warnings
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from mycovigil.vision.image import cut_off
from mycovigil.vision.image.colour import interpolable, opaque_srgb
from mycovigil.vision.image.container.plain_photo import PlainPhoto
from mycovigil.vision.image.container.taking_apart import taken_apart
from mycovigil.vision.image.crop import centre_square
from mycovigil.vision.image.foreign_format import damaged, unidentified, unreadable
from mycovigil.vision.image.jpeg import estimated_quality
from mycovigil.vision.image.opening import opened, orientation_of
from mycovigil.vision.image.refusals import TooManyPixels, UndecodableImage, UnsupportedImage

__all__ = ["DecodedImage", "TooManyPixels", "UndecodableImage", "UnsupportedImage", "decode"]

# A JPEG is decoded at the smallest of its scales whose shorter side has this many pixels, and those
# of the square: what is lost shows in small squares (docs/performance.md).
LEAST_SIDE = 192
# Of a photo that must be held whole, at 4 bytes a pixel and twice while alpha is resized.
MOST_WHOLE_PIXELS = 25_000_000
# Encoders write 1 to 12; each costs a pass over all pixels, so that thousands are an attack.
MOST_SCANS = 64
# What Pillow's decoders raise on files of which some part may be readable.
DAMAGES = (OSError, SyntaxError, ValueError, EOFError, RuntimeError, LookupError, struct.error)


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """``pixels`` uint8 (size, size, 3) sRGB; the rest describes the photo as it came."""

    pixels: NDArray[np.uint8]
    width: int
    height: int
    format: str
    jpeg_quality: float | None


@dataclass(frozen=True, slots=True)
class _Square:
    """What is asked for: the square's side, how it is cut, the most pixels of a photo, and the
    least side at which a JPEG is decoded."""

    size: int
    resize: str
    max_pixels: int
    least: int


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A photo in memory. ``covered``: its width and height in pixels of ``image``, see
    :func:`mycovigil.vision.image.crop.centre_square`; the rest as in :class:`DecodedImage`."""

    image: Image.Image
    covered: tuple[float, float]
    orientation: int
    width: int
    height: int
    jpeg_quality: float | None


def decode(
    data: bytes | PlainPhoto,
    *,
    size: int,
    max_pixels: int,
    resize: str = "shortest",
    draft_factor: float | None = None,
) -> DecodedImage:
    """Decode a photo, or one that was taken apart already, to the square that an encoder takes.

    The shorter side is scaled to ``size`` by bicubic interpolation and the centre is cropped
    (``resize="shortest"``), or both sides are scaled (``"squash"``): the pixels of open_clip's
    own transform, but upright, in sRGB, over white, and near them where a large JPEG is decoded
    at a fraction of its size. Metadata is never a reason to refuse a photo, nor is a missing end:
    of the square an eighth may be missing.

    Args:
        draft_factor: how many times ``size`` the shorter side of a JPEG has at least that is
            decoded at a fraction of its size; :func:`draft_factor_of` if none.

    Raises:
        UndecodableImage: no photo can be read from ``data``.
        UnsupportedImage: a format we do not read.
        TooManyPixels: width x height is over ``max_pixels``, or over :data:`MOST_WHOLE_PIXELS`
            and no JPEG of one scan.
    """
    least = round(size * (draft_factor or draft_factor_of(size)))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _decoded(data, _Square(size, resize, max_pixels, least))
    except (UndecodableImage, TooManyPixels):
        raise
    except Image.DecompressionBombError as error:
        raise TooManyPixels(f"the photo is far over {max_pixels:,} pixels") from error
    except UnidentifiedImageError as error:
        raise (damaged() if isinstance(data, PlainPhoto) else unidentified(data)) from error
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly everything on hostile bytes
        raise (damaged() if isinstance(data, PlainPhoto) else unreadable(data)) from error


def draft_factor_of(size: int) -> float:
    """The draft factor of encoders that are exported by this version; part of their identity."""
    return max(1.0, LEAST_SIDE / size)


def _decoded(data: bytes | PlainPhoto, wanted: _Square) -> DecodedImage:
    photo = taken_apart(data) if isinstance(data, bytes) else data
    if not isinstance(photo, PlainPhoto) or photo.whole:
        try:
            return _cut(_loaded(photo, wanted), wanted)
        except (UndecodableImage, TooManyPixels):
            raise
        except DAMAGES:
            pass
    return _completed(photo, wanted)


def _completed(photo: PlainPhoto | bytes, wanted: _Square) -> DecodedImage:
    """The square of a file that is damaged or cut off, if nearly all of it is there.

    Raises:
        UndecodableImage: it is not.
    """
    found, seen = [], []
    for completed, ground in cut_off.completions(photo):
        loaded = _loaded(completed, wanted, ground)
        found.append(_cut(loaded, wanted))
        seen.append(_cut(replace(loaded, image=cut_off.levels(loaded.image)), wanted).pixels)
    missing = float((seen[0] != seen[1]).any(axis=-1).mean())
    if missing > cut_off.MOST_MISSING:
        raise damaged()
    return found[0]


def _loaded(photo: PlainPhoto | bytes, wanted: _Square, ground: int | None = None) -> _Loaded:
    """Decode a photo, once its header was found to promise no more than is allowed."""
    with opened(photo) as image:
        width, height = image.size
        _refuse_too_much(image, photo, wanted.max_pixels)
        quality = estimated_quality(image)
        scaled = image.draft("RGB", (wanted.least, wanted.least))
        covered = scaled[1][2:] if scaled else None
        if ground is None:
            image.load()
        else:
            cut_off.load_on(ground, image)
        orientation = orientation_of(image, photo)
        return _Loaded(image, covered or image.size, orientation, width, height, quality)


def _cut(loaded: _Loaded, wanted: _Square) -> DecodedImage:
    square = centre_square(
        interpolable(loaded.image),
        loaded.covered,
        size=wanted.size,
        resize=wanted.resize,
        orientation=loaded.orientation,
    )
    return DecodedImage(
        pixels=np.asarray(opaque_srgb(square), dtype=np.uint8),
        width=loaded.width,
        height=loaded.height,
        format=str(loaded.image.format),
        jpeg_quality=loaded.jpeg_quality,
    )


def _refuse_too_much(image: Image.Image, photo: PlainPhoto | bytes, max_pixels: int) -> None:
    """Before any pixel is decoded."""
    passes = photo.passes if isinstance(photo, PlainPhoto) else 1
    if image.format != "JPEG" or passes > 1:
        max_pixels = min(max_pixels, MOST_WHOLE_PIXELS)
    if image.width * image.height > max_pixels:
        raise TooManyPixels(
            f"{image.width} x {image.height} pixels; at most {max_pixels:,} are read of a "
            f"{'progressive ' if passes > 1 else ''}{image.format}"
        )
    if passes > MOST_SCANS:
        raise UndecodableImage(f"a JPEG of {passes} scans; at most {MOST_SCANS} are read")
