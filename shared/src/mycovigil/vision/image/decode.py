"""Decode a photo to the encoder's pixels: bounded, upright, sRGB and opaque."""

import io
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from mycovigil.vision.image.colour import interpolable, opaque_srgb
from mycovigil.vision.image.crop import TURNS, centre_square
from mycovigil.vision.image.jpeg import estimated_quality, scans

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
# Formats that can be decoded at a fraction of their size, in a fraction of the memory.
SCALED = frozenset({"JPEG", "MPO"})
# JPEG scaled decoding stops at three times the target, which keeps the resize faithful: through
# `mini` the cosine to the transform without it was at least .9998, with 2 at least .9995.
DRAFT_FACTOR = 3
# Of a photo that must be held whole, at 4 bytes a pixel and twice while alpha is resized.
MOST_WHOLE_PIXELS = 25_000_000
# Encoders write 1 to 12; each costs a pass over all pixels, so that thousands are an attack.
MOST_SCANS = 64
ORIENTATION = ExifTags.Base.Orientation


class UndecodableImage(ValueError):
    """Not an image of a supported format, or a broken one."""


class UnsupportedImage(UndecodableImage):
    """An image, but of a format that we do not read (HEIC, AVIF, SVG, PDF)."""


class TooManyPixels(ValueError):
    """The header promises more pixels than the limit; nothing was decoded."""


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """``pixels`` uint8 (size, size, 3) sRGB; the rest describes the photo as it came."""

    pixels: NDArray[np.uint8]
    width: int
    height: int
    format: str
    jpeg_quality: float | None


def decode(data: bytes, *, size: int, max_pixels: int, resize: str = "shortest") -> DecodedImage:
    """Decode a photo to the square that an encoder takes.

    The shorter side is scaled to ``size`` by bicubic interpolation and the centre is cropped
    (``resize="shortest"``), or both sides are scaled (``"squash"``): the pixels of open_clip's
    own transform, but upright, in sRGB, over white, and near them where a large JPEG is decoded
    at a fraction of its size.

    Raises:
        UndecodableImage: no photo can be read from ``data``.
        UnsupportedImage: a format we do not read.
        TooManyPixels: width x height is over ``max_pixels``, or over :data:`MOST_WHOLE_PIXELS`
            and no JPEG of one scan.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _decode(data, size, max_pixels, resize)
    except (UndecodableImage, TooManyPixels):
        raise
    except Image.DecompressionBombError as error:
        raise TooManyPixels(f"the photo is far over {max_pixels:,} pixels") from error
    except UnidentifiedImageError as error:
        raise _unidentified(data) from error
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly everything on hostile bytes
        raise UndecodableImage(f"the photo cannot be decoded: {error}") from error


def upright(image: Image.Image) -> Image.Image:
    """The whole photo as it was taken, in its mode.

    Pillow's ``exif_transpose`` writes the rest of the EXIF anew, and fails where a tag of it has
    another type than the standard says.
    """
    image.load()  # after this a TIFF is upright already, and says so
    turn = TURNS.get(image.getexif().get(ORIENTATION, 1))
    return image if turn is None else image.transpose(turn)


def _decode(data: bytes, size: int, max_pixels: int, resize: str) -> DecodedImage:
    stream = io.BytesIO(data)
    with Image.open(stream, formats=FORMATS) as image:
        width, height = image.size
        passes = scans(image, data, stream.tell()) if image.format in SCALED else 1
        _refuse_too_much(image, passes, max_pixels)
        quality = estimated_quality(image)
        scaled = image.draft("RGB", (size * DRAFT_FACTOR, size * DRAFT_FACTOR))
        covered = scaled[1][2:] if scaled else image.size
        image.load()  # after this a TIFF is upright already, and says so
        square = centre_square(
            interpolable(image),
            covered,
            size=size,
            resize=resize,
            orientation=image.getexif().get(ORIENTATION, 1),
        )
        pixels = np.asarray(opaque_srgb(square), dtype=np.uint8)
        return DecodedImage(pixels, width, height, str(image.format), quality)


def _refuse_too_much(image: Image.Image, passes: int, max_pixels: int) -> None:
    """Before any pixel is decoded."""
    if image.format not in SCALED or passes > 1:
        max_pixels = min(max_pixels, MOST_WHOLE_PIXELS)
    if image.width * image.height > max_pixels:
        raise TooManyPixels(
            f"{image.width} x {image.height} pixels; at most {max_pixels:,} are read of a "
            f"{'progressive ' if passes > 1 else ''}{image.format}"
        )
    if passes > MOST_SCANS:
        raise UndecodableImage(f"a JPEG of {passes} scans; at most {MOST_SCANS} are read")


def _unidentified(data: bytes) -> UndecodableImage:
    head = data[:64]
    if head[4:8] == b"ftyp":
        return UnsupportedImage("HEIC and AVIF photos are not read; send JPEG, PNG or WebP")
    if head.lstrip()[:5].lower() in {b"<svg ", b"<?xml"} or head[:5] == b"%PDF-":
        return UnsupportedImage("vector documents are not read; send JPEG, PNG or WebP")
    return UndecodableImage("this is not a photo in JPEG, PNG, WebP, GIF, BMP or TIFF format")
