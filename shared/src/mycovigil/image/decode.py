"""Bytes to the encoder's pixels: bounded, upright, sRGB, opaque; the same for all who ask."""

import io
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from mycovigil.image.jpeg import estimated_quality

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
DRAFT_FACTOR = 2
"""JPEG scaled decoding stops at twice the target, which keeps the resize faithful."""


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
    (``resize="shortest"``, as open_clip does), or both sides are scaled (``"squash"``).

    Raises:
        UndecodableImage: no photo can be read from ``data``.
        UnsupportedImage: a format we do not read.
        TooManyPixels: width x height is over ``max_pixels``.
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


def _decode(data: bytes, size: int, max_pixels: int, resize: str) -> DecodedImage:
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        width, height = image.size
        if width * height > max_pixels:
            raise TooManyPixels(f"{width} x {height} pixels; at most {max_pixels:,} are read")
        quality = estimated_quality(image)
        image.draft("RGB", (size * DRAFT_FACTOR, size * DRAFT_FACTOR))
        upright = ImageOps.exif_transpose(image)
        square = _square(_opaque_srgb(upright), size, resize)
        pixels = np.asarray(square, dtype=np.uint8)
        return DecodedImage(pixels, width, height, str(image.format), quality)


def _square(image: Image.Image, size: int, resize: str) -> Image.Image:
    width, height = image.size
    if resize == "squash":
        return image.resize((size, size), Image.Resampling.BICUBIC)
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    box = (left, top, left + side, top + side)
    return image.resize((size, size), Image.Resampling.BICUBIC, box=box)


def _opaque_srgb(image: Image.Image) -> Image.Image:
    image = _eight_bit(image)
    image = _to_srgb(image)
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")


def _eight_bit(image: Image.Image) -> Image.Image:
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image, dtype=np.float64)
    top = 65535.0 if image.mode.startswith("I") else max(float(values.max(initial=1.0)), 1.0)
    return Image.fromarray((np.clip(values / top, 0, 1) * 255).round().astype(np.uint8))


def _to_srgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in {"RGB", "CMYK", "L"}:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return image
        converted = ImageCms.profileToProfile(
            image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError):
        return image  # a broken profile is no reason to refuse the photo
    return converted if converted is not None else image


def _unidentified(data: bytes) -> UndecodableImage:
    head = data[:64]
    if head[4:8] == b"ftyp":
        return UnsupportedImage("HEIC and AVIF photos are not read; send JPEG, PNG or WebP")
    if head.lstrip()[:5].lower() in {b"<svg ", b"<?xml"} or head[:5] == b"%PDF-":
        return UnsupportedImage("vector documents are not read; send JPEG, PNG or WebP")
    return UndecodableImage("this is not a photo in JPEG, PNG, WebP, GIF, BMP or TIFF format")
