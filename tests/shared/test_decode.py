"""Every photo becomes upright, opaque, 8-bit sRGB of one size, or a clear error."""

import io
import struct

import numpy as np
import pytest
from factories.photo import deflated_zeros, png_chunk
from numpy.typing import NDArray
from PIL import Image

from mycovigil.vision.image.covariates import NAMES, measure
from mycovigil.vision.image.decode import TooManyPixels, UndecodableImage, UnsupportedImage, decode
from mycovigil.vision.image.jpeg import estimated_quality

LIMIT = 60_000_000


def picture(width: int = 90, height: int = 60) -> Image.Image:
    """Red on the left, blue on the right, brighter at the top."""
    across = np.linspace(0, 1, width)[None, :].repeat(height, 0)
    down = np.linspace(1, 0, height)[:, None].repeat(width, 1)
    pixels = np.stack([255 * (1 - across) * down, 40 * down, 255 * across * down], axis=2)
    return Image.fromarray(pixels.astype(np.uint8))


def encoded(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def pixels_of(data: bytes) -> NDArray[np.float64]:
    return decode(data, size=32, max_pixels=LIMIT).pixels.astype(np.float64)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "BMP", "TIFF", "GIF"])
def test_formats_agree(form: str) -> None:
    options = {"lossless": True} if form == "WEBP" else {}
    difference = np.abs(
        pixels_of(encoded(picture(), form, **options)) - pixels_of(encoded(picture()))
    )
    assert difference.mean() < (8 if form == "GIF" else 0.5)


def test_cmyk_sixteen_bit_and_palette() -> None:
    plain = pixels_of(encoded(picture()))
    cmyk = pixels_of(encoded(picture().convert("CMYK"), "TIFF"))
    assert np.abs(cmyk - plain).mean() < 3
    grey = np.asarray(picture().convert("L")).astype(np.uint16) * 257
    deep = pixels_of(encoded(Image.fromarray(grey)))
    assert np.abs(deep - pixels_of(encoded(picture().convert("L")))).mean() < 1


def test_transparency_is_seen_over_white() -> None:
    clear = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
    assert pixels_of(encoded(clear)).min() == 255


@pytest.mark.parametrize("orientation", range(2, 9))
def test_rotated_photos_are_upright(orientation: int) -> None:
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose members that EXIF undoes
    turned = picture().transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.abs(pixels_of(encoded(turned, exif=exif)) - pixels_of(encoded(picture()))).max() <= 2


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
@pytest.mark.parametrize(("width", "height"), [(61, 97), (523, 347)])
def test_a_turned_photo_of_odd_size_is_cut_where_the_upright_one_is(
    form: str, width: int, height: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = encoded(picture(width, height), form)
    turned = encoded(picture(width, height).transpose(Image.Transpose.ROTATE_90), form, exif=exif)
    assert np.abs(pixels_of(turned) - pixels_of(upright)).mean() < 1.5


def test_scaled_jpeg_decode_is_faithful() -> None:
    big = picture(2400, 1800)
    scaled = pixels_of(encoded(big, "JPEG", quality=95))
    assert np.abs(scaled - pixels_of(encoded(big))).mean() < 1.5


def test_broken_and_foreign_bytes() -> None:
    whole = encoded(picture(400, 300), "JPEG")
    for data in (b"", b"hello", whole[:40], whole[: len(whole) // 2]):
        with pytest.raises(UndecodableImage):
            decode(data, size=32, max_pixels=LIMIT)
    for data in (b"\x00\x00\x00\x18ftypheic" + bytes(50), b"%PDF-1.7 ...", b"<svg xmlns=''/>"):
        with pytest.raises(UnsupportedImage):
            decode(data, size=32, max_pixels=LIMIT)


def black_png(side: int) -> bytes:
    """Of one bit a pixel."""
    pixels = deflated_zeros(side * (1 + side // 8))
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", pixels) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def test_a_bomb_is_refused_by_its_header() -> None:
    bomb = black_png(30_000)
    assert len(bomb) < 200_000
    with pytest.raises(TooManyPixels, match="pixels"):
        decode(bomb, size=32, max_pixels=LIMIT)


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_what_is_decoded_whole_has_a_lower_limit(form: str) -> None:
    wide = encoded(Image.new("1", (5_100, 5_000)), form)
    with pytest.raises(TooManyPixels, match="25,000,000 are read of a"):
        decode(wide, size=32, max_pixels=LIMIT)


def test_progressive_jpegs_are_decoded_whole_and_of_few_scans() -> None:
    large = Image.new("L", (5_100, 5_000))
    assert pixels_of(encoded(large, "JPEG")).shape == (32, 32, 3)
    progressive = encoded(large, "JPEG", progressive=True)
    with pytest.raises(TooManyPixels, match="progressive JPEG"):
        decode(progressive, size=32, max_pixels=LIMIT)
    small = encoded(picture(), "JPEG", progressive=True)
    assert pixels_of(small).shape == (32, 32, 3)
    scan = small[small.rindex(b"\xff\xda") : -2]
    with pytest.raises(UndecodableImage, match="scans"):
        decode(small[:-2] + 100 * scan + small[-2:], size=32, max_pixels=LIMIT)


def test_covariates_see_what_they_name() -> None:
    def of(image: Image.Image) -> dict[str, float | int | None]:
        return measure(decode(encoded(image), size=64, max_pixels=LIMIT)).columns()

    plain = of(picture())
    assert tuple(plain) == NAMES
    darker = of(picture().point(lambda value: value // 2))
    assert (darker["brightness"] or 1) < (plain["brightness"] or 0)
    warm = of(Image.new("RGB", (64, 64), (255, 180, 107)))
    cold = of(Image.new("RGB", (64, 64), (201, 218, 255)))
    assert (warm["colour_temperature"] or 9e9) < 3_500
    assert (cold["colour_temperature"] or 0) > 8_000


@pytest.mark.parametrize("quality", [30, 60, 75, 90, 95])
def test_jpeg_quality_is_estimated(quality: int) -> None:
    with Image.open(io.BytesIO(encoded(picture(), "JPEG", quality=quality))) as image:
        assert estimated_quality(image) == pytest.approx(quality, abs=2)
    assert estimated_quality(picture()) is None
