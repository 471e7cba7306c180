"""Conversion of any mode to opaque 8-bit sRGB; done on the small square, not on the photo."""

import io
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

# Modes that Pillow interpolates; alpha is multiplied in before and divided out after.
RESIZED = frozenset({"L", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I", "I;16", "F"})
SIXTEEN_BITS = 65_535
# Marks a picture of greys that Pillow reads as one of colours.
GREY = "grey"
# Whose profiles describe which mode.
SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}
PROFILES_IN_MEMORY = 16
# Levels of each channel at which a profile is compared with sRGB.
GRID = (0, 32, 64, 96, 128, 160, 192, 224, 255)
LEVELS = np.arange(256, dtype=np.uint8)


def interpolable(image: Image.Image) -> Image.Image:
    """``image``, or the nearest mode in which its values can be mixed (palettes cannot)."""
    if image.mode.startswith("I"):
        return _deep(image)
    if image.info.get(GREY) and image.mode == "RGBA":
        return image.convert("LA")
    if image.mode == "1":
        return image.convert("LA" if image.has_transparency_data else "L")
    if image.has_transparency_data and image.mode not in {"LA", "RGBA"}:
        return image.convert("LA" if image.mode == "L" else "RGBA")
    return image if image.mode in RESIZED else image.convert("RGB")


def opaque_srgb(image: Image.Image) -> Image.Image:
    """8-bit sRGB; colour profiles are converted, what is clear is seen over white."""
    alpha = image.getchannel("A") if image.mode in {"LA", "RGBA"} else None
    profile = image.info.get("icc_profile") or b""
    if image.mode.startswith(("I", "F")):
        colour = _deep_to_srgb(image, profile)
    else:
        colour = _to_srgb(image.convert(image.mode.removesuffix("A")), profile)
    if alpha is None:
        return colour
    colour.putalpha(alpha)
    white = Image.new("RGBA", colour.size, "white")
    return Image.alpha_composite(white, colour).convert("RGB")


def _deep(image: Image.Image) -> Image.Image:
    """Integers of more than 8 bits; where one of them is clear, 8 bits of it and alpha."""
    clear = image.info.get("transparency")
    if clear is None:
        return image if image.mode in RESIZED else image.convert("I")
    values = np.asarray(image)
    level = np.clip(values, 0, SIXTEEN_BITS).astype(np.uint32) * 255
    grey = Image.fromarray(((level + SIXTEEN_BITS // 2) // SIXTEEN_BITS).astype(np.uint8))
    grey.putalpha(Image.fromarray((values != clear).astype(np.uint8) * 255))
    grey.info["icc_profile"] = image.info.get("icc_profile")
    return grey


def _deep_to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Integers are 16-bit; floats (TIFF) have no scale, and their brightest is white.

    Levels between two of 8 bits are between their colours.
    """
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    top = SIXTEEN_BITS if image.mode.startswith("I") else max(float(values.max(initial=1.0)), 1.0)
    levels, ramp = np.clip(values / top, 0, 1) * 255, _ramp(profile)
    channels = [np.interp(levels, LEVELS, ramp[:, channel]) for channel in range(3)]
    return Image.fromarray(np.stack(channels, axis=-1).round().astype(np.uint8))


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """A picture without alpha; a profile that is broken, or of other channels, says nothing."""
    if image.mode == "L":
        return (
            Image.fromarray(_ramp(profile)[np.asarray(image)]) if profile else image.convert("RGB")
        )
    if image.mode == "LAB":
        return _from_lab(image)
    image = image if image.mode == "CMYK" else image.convert("RGB")
    found = _transform(profile, image.mode) if profile else None
    return image.convert("RGB") if found is None else _applied(found, image)


@lru_cache(maxsize=PROFILES_IN_MEMORY)
def _ramp(profile: bytes) -> NDArray[np.uint8]:
    """(256, 3): the colour of each level of grey, whose profile may be one of colours."""
    greys = Image.fromarray(LEVELS[np.newaxis])
    for mode in ("L", "RGB"):
        if (found := _transform(profile, mode)) is not None:
            greys = _applied(found, greys.convert(mode))
            break
    return np.array(greys.convert("RGB"), dtype=np.uint8).reshape(-1, 3)


def _from_lab(image: Image.Image) -> Image.Image:
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return _applied(ImageCms.buildTransform(lab, srgb, "LAB", "RGB"), image)


@lru_cache(maxsize=PROFILES_IN_MEMORY)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From a profile's colours to sRGB, usable by several threads; none for a profile of another
    mode, a broken one, and one that is sRGB itself."""
    # lcms' quicker way for greys is wrong by several levels in the dark
    flags = ImageCms.Flags.NOOPTIMIZE if mode == "L" else ImageCms.Flags.NOCACHE
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != SPACES[mode]:
            return None
        srgb = ImageCms.createProfile("sRGB")
        found = ImageCms.buildTransform(source, srgb, mode, "RGB", flags=flags)
        return None if mode == "RGB" and _changes_nothing(found) else found
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def _applied(transform: ImageCms.ImageCmsTransform, image: Image.Image) -> Image.Image:
    converted = ImageCms.applyTransform(image, transform)
    assert converted is not None  # only if it were asked to convert in place
    return converted


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    cube = np.stack(np.meshgrid(GRID, GRID, GRID), axis=-1).astype(np.uint8)
    before = cube.reshape(1, -1, 3)
    after = np.asarray(_applied(transform, Image.fromarray(before)))
    return int(np.abs(np.subtract(after, before, dtype=int)).max()) <= 1
