"""A photo that lacks its last bytes is read; half a photo is not."""

import tracemalloc
from functools import cache
from typing import Any

import numpy as np
import pytest
from factories.photo import encoded, make_photo, make_picture
from PIL import Image

from mycovigil.vision.image.decode import TooManyPixels, UndecodableImage, decode

FORMS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "JPEG": ("JPEG", "RGB", {}),
    "grey JPEG": ("JPEG", "L", {}),
    "progressive JPEG": ("JPEG", "RGB", {"progressive": True}),
    "JPEG with restarts": ("JPEG", "RGB", {"restart_marker_rows": 1}),
    "PNG": ("PNG", "RGB", {}),
    "grey PNG": ("PNG", "L", {}),
    "clear PNG": ("PNG", "RGBA", {}),
    "palette PNG": ("PNG", "P", {}),
    "bilevel PNG": ("PNG", "1", {}),
    "16-bit PNG": ("PNG", "I;16", {}),
    "WebP": ("WEBP", "RGB", {}),
    "lossless WebP": ("WEBP", "RGB", {"lossless": True}),
    "GIF": ("GIF", "P", {}),
    "BMP": ("BMP", "RGB", {}),
    "TIFF": ("TIFF", "RGB", {}),
}
# The directory stands last in them, and without it nobody can say how to read the pixels.
LAST: dict[str, tuple[str, str, dict[str, Any]]] = {
    "packed TIFF": ("TIFF", "RGB", {"compression": "tiff_lzw"})
}


def picture(width: int, height: int, mode: str) -> Image.Image:
    """Grainy, so that every byte of the file counts, and white at the bottom, as a ground is."""
    values = np.asarray(make_picture(width, height), dtype=np.int16)
    grain = np.random.default_rng(1).normal(0, 6, values.shape)
    values = (values + grain).clip(0, 255).astype(np.uint8)
    values[-height // 3 :] |= 0xF0
    image = Image.fromarray(values)
    if mode == "I;16":
        return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    return image.quantize(200) if mode == "P" else image.convert(mode)


@cache
def whole(form: str, width: int = 240, height: int = 180) -> bytes:
    kind, mode, options = (FORMS | LAST)[form]
    image = picture(width, height, mode)
    return encoded(image, kind, **options)


def pixels(data: bytes) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    return decode(data, size=64, max_pixels=10**7).pixels


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("missing", [1, 3, 100])
def test_a_few_missing_bytes_cost_no_answer(form: str, missing: int) -> None:
    data = whole(form)
    before, after = pixels(data).astype(int), pixels(data[:-missing])
    assert (before != after).any(axis=-1).mean() <= 1 / 8
    assert (before[:52] == after[:52]).mean() > 0.9


@pytest.mark.parametrize("form", [*FORMS, *LAST])
@pytest.mark.parametrize("share", [0.1, 0.5])
def test_half_a_picture_is_none(form: str, share: float) -> None:
    data = whole(form)
    with pytest.raises(UndecodableImage):
        pixels(data[: round(share * len(data))])


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("options", [{}, {"restart_marker_rows": 1}, {"restart_marker_blocks": 3}])
def test_the_beginning_of_a_plain_picture_is_none(mode: str, options: dict[str, Any]) -> None:
    """Of a smooth picture a few bytes make many pixels, and what is missing may be far longer."""
    for smooth in (Image.new("RGB", (1_200, 900), "brown"), make_picture(1_200, 900)):
        data = encoded(smooth.convert(mode), "JPEG", **options)
        start = data.index(b"\xff\xda") + 14
        for share in (0.01, 0.1, 0.8):
            with pytest.raises(UndecodableImage):
                pixels(data[: start + round(share * (len(data) - start))])
        assert (pixels(data[:-2])[:60] == pixels(data)[:60]).mean() > 0.99


def test_a_bomb_without_its_end_is_refused_by_its_header() -> None:
    data = make_photo(240, 180)
    place = data.index(b"\xff\xc0") + 5
    bomb = data[:place] + b"\xff\xdc\xff\xdc" + data[place + 4 : -2]
    tracemalloc.start()
    with pytest.raises(TooManyPixels):
        pixels(bomb)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 1_000_000


@pytest.mark.parametrize("form", FORMS)
def test_a_small_picture_without_its_last_two_bytes(form: str) -> None:
    data = whole(form, 96, 64)
    assert (pixels(data)[:50] == pixels(data[:-2])[:50]).mean() > 0.9


@pytest.mark.parametrize("progressive", [False, True])
def test_a_first_picture_that_ends_early_is_not_completed_by_the_second(progressive: bool) -> None:
    first = encoded(picture(320, 240, "RGB"), "JPEG", progressive=progressive)
    second = encoded(make_picture(100, 80), "JPEG")
    assert (pixels(first[:-2] + second)[:56] == pixels(first)[:56]).all()
    with pytest.raises(UndecodableImage):
        pixels(first[: len(first) // 2] + second)


def test_a_photo_cut_within_its_metadata_is_none() -> None:
    data = encoded(picture(320, 240, "RGB"), "JPEG", exif=b"Exif\0\0" + bytes(9_000))
    with pytest.raises(UndecodableImage):
        pixels(data[:5_000])


def test_a_hole_in_the_middle_is_half_a_picture() -> None:
    data = bytearray(encoded(picture(320, 240, "RGB"), "PNG"))
    data[len(data) // 3 : len(data) // 3 + 400] = bytes(400)
    with pytest.raises(UndecodableImage, match="damaged"):
        pixels(bytes(data))
