"""One colour in every mode and with every profile becomes the same sRGB."""

import io
from typing import Any

import numpy as np
import pytest
from factories.photo import deep_png, encoded
from factories.profile import cmyk_profile, grey_profile, rgb_profile, srgb_profile
from PIL import Image, ImageCms

from mycovigil.vision.image.decode import decode

RED, GREY = (200, 60, 40), 100
P3_RED = (219, 37, 13)


def colour_of(data: bytes) -> list[int]:
    pixels = decode(data, size=16, max_pixels=10**7).pixels
    assert (pixels == pixels[0, 0]).all()
    return [int(value) for value in pixels[0, 0]]


def near(found: list[int], expected: tuple[int, ...]) -> bool:
    return max(abs(a - b) for a, b in zip(found, expected, strict=True)) <= 2


def red(mode: str) -> Image.Image:
    picture = Image.new("RGB", (48, 48), RED)
    return picture.quantize(16) if mode == "P" else picture.convert(mode)


OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 100, "subsampling": 0},
    "WEBP": {"lossless": True},
}
COLOURS = [
    *(("PNG", mode) for mode in ("RGB", "RGBA", "P")),
    *(("TIFF", mode) for mode in ("RGB", "RGBA", "RGBX", "P")),
    *(("WEBP", mode) for mode in ("RGB", "RGBA")),
    ("JPEG", "RGB"),
]


@pytest.mark.parametrize(("form", "mode"), COLOURS)
def test_colours_of_every_mode(form: str, mode: str) -> None:
    options = OPTIONS.get(form, {})
    assert near(colour_of(encoded(red(mode), form, icc_profile=rgb_profile(), **options)), P3_RED)
    assert near(colour_of(encoded(red(mode), form, icc_profile=srgb_profile(), **options)), RED)
    assert near(colour_of(encoded(red(mode), form, **options)), RED)


def test_luma_and_chroma() -> None:
    rounded = red("YCbCr")
    expected = colour_of(encoded(rounded.convert("RGB"), "PNG", icc_profile=rgb_profile()))
    assert near(colour_of(encoded(rounded, "TIFF", icc_profile=rgb_profile())), tuple(expected))


def test_a_clear_colour_and_half_a_palette() -> None:
    half = Image.new("RGBA", (48, 48), (*RED, 128))
    over_white = tuple(round((255 + value) / 2) for value in P3_RED)
    assert near(colour_of(encoded(half, "PNG", icc_profile=rgb_profile())), over_white)
    palette = red("P")
    index = palette.getpixel((0, 0))
    clear = encoded(palette, "PNG", icc_profile=rgb_profile(), transparency=index)
    assert colour_of(clear) == [255, 255, 255]


def grey(mode: str) -> Image.Image:
    if mode in {"I;16", "I"}:
        deep = np.full((48, 48), GREY * 257, dtype=np.uint16 if mode == "I;16" else np.int32)
        return Image.fromarray(deep)
    picture = Image.new("L", (48, 48), GREY)
    return Image.new("P", (48, 48), 7) if mode == "P" else picture.convert(mode)


GREYS = [
    *(("PNG", mode) for mode in ("L", "LA", "I;16")),
    *(("TIFF", mode) for mode in ("L", "LA", "I;16", "I")),
    ("JPEG", "L"),
]


@pytest.mark.parametrize(("form", "mode"), GREYS)
def test_greys_of_every_mode(form: str, mode: str) -> None:
    linear = 1.055 * (GREY / 255) ** (1 / 2.4) - 0.055
    expected = {
        grey_profile(gamma=1.0): (round(255 * linear),) * 3,
        grey_profile(gamma=2.2): (GREY,) * 3,
        rgb_profile(gamma=1.0): (round(255 * linear),) * 3,
        srgb_profile(): (GREY,) * 3,
        b"": (GREY,) * 3,
    }
    for profile, colour in expected.items():
        options = {"icc_profile": profile} if profile else {}
        found = colour_of(encoded(grey(mode), form, **options))
        assert near(found, colour), (profile[:20], found, colour)


def test_the_steps_of_sixteen_bits_between_those_of_eight() -> None:
    """With a linear profile, dark steps of 8 bits are far apart in sRGB."""
    for value in (20, 60, 130, 200, 330, 1_000):
        deep = Image.fromarray(np.full((48, 48), value, dtype=np.uint16))
        unit = value / 65_535
        expected = 12.92 * unit if unit <= 0.0031308 else 1.055 * unit ** (1 / 2.4) - 0.055
        found = colour_of(encoded(deep, "PNG", icc_profile=grey_profile(gamma=1.0)))
        assert near(found, (round(255 * expected),) * 3), value


# Colour types of PNG, and the values of a pixel.
DEEP: dict[int, tuple[int, ...]] = {0: (GREY,), 2: RED, 4: (GREY, 255), 6: (*RED, 255)}


@pytest.mark.parametrize("colour", DEEP)
def test_sixteen_bits_of_every_colour_type(colour: int) -> None:
    values = np.full((48, 48, len(DEEP[colour])), DEEP[colour], dtype=np.uint16) * np.uint16(257)
    if colour in {0, 4}:
        linear = 1.055 * (GREY / 255) ** (1 / 2.4) - 0.055
        profile, expected = grey_profile(gamma=1.0), (round(255 * linear),) * 3
    else:
        profile, expected = rgb_profile(), P3_RED
    assert near(colour_of(deep_png(values, colour, profile)), expected)
    assert near(colour_of(deep_png(values, colour)), RED if len(values[0, 0]) > 2 else (GREY,) * 3)


@pytest.mark.parametrize("form", ["TIFF", "JPEG"])
def test_inks(form: str) -> None:
    picture = Image.new("CMYK", (48, 48), (50, 100, 150, 20))
    source = ImageCms.ImageCmsProfile(io.BytesIO(cmyk_profile()))
    converted = ImageCms.profileToProfile(
        picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    assert converted is not None
    expected = converted.getpixel((0, 0))
    assert isinstance(expected, tuple)
    options = OPTIONS.get(form, {})
    found = colour_of(encoded(picture, form, icc_profile=cmyk_profile(), **options))
    assert near(found, tuple(int(value) for value in expected))
    assert not near(colour_of(encoded(picture, form, **options)), tuple(map(int, expected)))


def test_lab() -> None:
    lab = ImageCms.profileToProfile(
        red("RGB"), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert lab is not None
    assert near(colour_of(encoded(lab, "TIFF")), RED)


@pytest.mark.parametrize(
    "profile", [b"nonsense", rgb_profile()[:200], grey_profile(), cmyk_profile()]
)
def test_a_profile_that_is_broken_or_of_other_channels_says_nothing(profile: bytes) -> None:
    assert colour_of(encoded(red("RGB"), "PNG", icc_profile=profile)) == list(RED)


def test_a_profile_is_known_by_what_it_does_and_not_by_its_name() -> None:
    named = rgb_profile().replace(b"made", b"sRGB")
    assert near(colour_of(encoded(red("RGB"), "PNG", icc_profile=named)), P3_RED)


@pytest.mark.parametrize("mode", ["1", "L", "I;16"])
def test_clear_greys(mode: str) -> None:
    levels = {"1": (0, 255), "L": (0, 200), "I;16": (0, 51_400)}[mode]
    kind = np.uint16 if mode == "I;16" else np.uint8
    values = np.full((48, 48), levels[1], dtype=kind)
    values[:, :24] = levels[0]
    picture = Image.fromarray(values)
    picture = picture.convert("1") if mode == "1" else picture
    pixels = decode(encoded(picture, "PNG", transparency=0), size=48, max_pixels=10**7).pixels
    assert (pixels[:, :20] == 255).all()
    assert np.abs(pixels[:, 28:].astype(int) - (255 if mode == "1" else 200)).max() <= 1
