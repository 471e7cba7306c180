"""Conversion of any mode to opaque 8-bit sRGB; done on the small square, not on the photo."""

import io

import numpy as np
from PIL import Image, ImageCms

# Modes that Pillow interpolates; alpha is multiplied in before and divided out after.
RESIZED = frozenset({"L", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "I", "I;16", "F"})
SIXTEEN_BITS = 65_535.0


def interpolable(image: Image.Image) -> Image.Image:
    """``image``, or the nearest mode in which its values can be mixed (palettes cannot)."""
    if image.has_transparency_data and image.mode not in {"LA", "RGBA"}:
        return image.convert("RGBA")
    if image.mode in RESIZED:
        return image
    if image.mode.startswith("I"):
        return image.convert("I")
    return image.convert("L" if image.mode == "1" else "RGB")


def opaque_srgb(image: Image.Image) -> Image.Image:
    """8-bit sRGB; colour profiles are converted, what is clear is seen over white."""
    image = _to_srgb(_eight_bit(image))
    if image.mode in {"LA", "RGBA"}:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        image = Image.alpha_composite(white, layer)
    return image.convert("RGB")


def _eight_bit(image: Image.Image) -> Image.Image:
    """Integers are 16-bit; floats (TIFF) have no scale, and their brightest is white."""
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    top = SIXTEEN_BITS if image.mode.startswith("I") else max(float(values.max(initial=1.0)), 1.0)
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
