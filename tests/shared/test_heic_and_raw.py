"""HEIC where its library is installed, and RAW never by its preview."""

import io
import struct
import sys
import time

import numpy as np
import pytest
from factories.photo import encoded, make_picture
from factories.profile import rgb_profile
from factories.tiff import BYTE, SHORT, Entry, number, raw_file
from PIL import Image

from mycovigil.vision.image.decode import TooManyPixels, UndecodableImage, UnsupportedImage, decode
from mycovigil.vision.image.gallery import gallery_file

LIMIT = 60_000_000
pillow_heif = pytest.importorskip("pillow_heif", reason="the extra heif is not installed")


def pixels(data: bytes) -> "np.ndarray[tuple[int, ...], np.dtype[np.int16]]":
    return decode(data, size=64, max_pixels=LIMIT).pixels.astype(np.int16)


def heic(picture: Image.Image, **options: object) -> bytes:
    stream = io.BytesIO()
    pillow_heif.from_pillow(picture).save(stream, quality=90, **options)
    return stream.getvalue()


def near(data: bytes, other: bytes) -> bool:
    return bool(np.abs(pixels(data) - pixels(other)).mean() < 3)


def test_an_iphones_photo_is_read() -> None:
    picture = make_picture(320, 240)
    assert near(heic(picture), encoded(picture, "PNG"))
    assert near(heic(picture, tile_size=128), encoded(picture, "PNG"))
    p3 = encoded(picture, "PNG", icc_profile=rgb_profile())
    assert not near(p3, encoded(picture, "PNG"))
    assert near(heic(picture, icc_profile=rgb_profile()), p3)
    assert decode(heic(picture), size=64, max_pixels=LIMIT).format == "HEIF"


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_it_is_upright(orientation: int) -> None:
    upright = make_picture(160, 120)
    back = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90}
    stored = upright.transpose(back.get(orientation, Image.Transpose.ROTATE_270))
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert near(heic(stored, exif=exif.tobytes()), encoded(upright, "PNG"))


def test_alpha_is_seen_over_white_and_a_gallery_shows_it() -> None:
    picture = make_picture(160, 120).convert("RGBA")
    picture.paste((0, 0, 0, 0), (0, 0, 80, 120))
    data = heic(picture)
    assert pixels(data)[:, :25].min() > 245
    kept = gallery_file(data)
    assert kept.startswith(b"\xff\xd8")
    assert near(kept, data)


def test_without_the_library_it_says_how_to_send_a_jpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    data = heic(make_picture())
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(UnsupportedImage, match=r"JPEG.*Most Compatible"):
        decode(data, size=64, max_pixels=LIMIT)


def test_its_bombs_are_refused_by_their_header() -> None:
    data = heic(make_picture(640, 480))
    place = data.index(b"ispe") + 8
    start = time.process_time()
    for width, height in ((30_000, 30_000), (5_100, 5_000)):
        lie = data[:place] + struct.pack(">II", width, height) + data[place + 8 :]
        with pytest.raises(TooManyPixels, match="pixels"):
            decode(lie, size=64, max_pixels=LIMIT)
    small = data[:place] + struct.pack(">II", 64, 48) + data[place + 8 :]
    with pytest.raises(UndecodableImage):
        decode(small, size=64, max_pixels=LIMIT)
    assert time.process_time() - start < 1


def test_a_grid_of_more_pixels_than_it_shows_is_refused() -> None:
    """One tile of few bytes may stand in a grid 65,536 times."""
    data = heic(make_picture(640, 480), tile_size=256)
    tile = data.index(struct.pack(">II", 256, 256))
    lie = data[:tile] + struct.pack(">II", 4_096, 4_096) + data[tile + 8 :]
    with pytest.raises(UndecodableImage, match="larger than its picture"):
        decode(lie, size=64, max_pixels=LIMIT)


def test_a_few_missing_bytes_are_no_matter_and_half_of_it_is() -> None:
    data = heic(make_picture(320, 240), tile_size=128)
    for missing in (1, 3, 20):
        assert np.abs(pixels(data[:-missing]) - pixels(data)).mean() < 8
    for share in (0.3, 0.5):
        with pytest.raises(UndecodableImage) as caught:
            pixels(data[: round(share * len(data))])
        assert not isinstance(caught.value, UnsupportedImage)


def test_other_files_of_its_family_are_told_apart() -> None:
    for brand, word in (
        (b"avif", "AVIF"),
        (b"crx ", "RAW"),
        (b"isom", "videos"),
        (b"qt  ", "videos"),
    ):
        data = b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0" + brand + bytes(200)
        with pytest.raises(UnsupportedImage, match=word):
            pixels(data)
    with pytest.raises(UnsupportedImage, match="HEIC"):
        pixels(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(400))


DNG: Entry = (50_706, BYTE, 4, b"\1\4\0\0")
PREVIEW = number(254, 1)
MOSAIC = [number(256, 6_000), number(257, 4_000), number(262, 32_803, SHORT)]
LARGER = [number(256, 6_000), number(257, 4_000), number(259, 7, SHORT)]
RAWS = {
    "DNG": raw_file([DNG, PREVIEW], MOSAIC),
    "DNG whose first picture is no preview": raw_file([DNG]),
    "NEF": raw_file([PREVIEW, number(271, 0)], MOSAIC),
    "a preview, and it says so": raw_file([PREVIEW]),
    "a mosaic inside": raw_file([], [number(262, 32_803, SHORT)]),
    "linear sensor data inside": raw_file([], [number(262, 34_892, SHORT)]),
    "Nikon's compression inside": raw_file([], [number(259, 34_713, SHORT)]),
    "a larger picture inside": raw_file([], LARGER),
    "a directory that is nowhere": raw_file([number(330, 90_000_000)]),
    "CR2": b"II*\0\x10\0\0\0CR\2\0" + bytes(4_000),
    "CR3": b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(4_000),
    "RAF": b"FUJIFILMCCD-RAW 0201" + bytes(4_000),
    "ORF": b"IIRO\x08\0\0\0" + bytes(4_000),
    "RW2": b"IIU\0\x18\0\0\0" + bytes(4_000),
    "X3F": b"FOVb" + bytes(4_000),
    "PEF": raw_file([]).replace(
        struct.pack("<HHIHH", 259, SHORT, 1, 1, 0), struct.pack("<HHIHH", 259, SHORT, 1, 65_535, 0)
    ),
}


@pytest.mark.parametrize("name", RAWS)
def test_raw_is_never_judged_by_its_preview(name: str) -> None:
    with pytest.raises(UnsupportedImage, match=r"RAW files \(DNG, NEF"):
        pixels(RAWS[name])


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("tags", [{50_706: b"\1\4\0\0", 271: "NIKON CORPORATION"}, {254: 1}])
def test_a_dng_that_pillow_wrote(tags: dict[int, object], big: bool) -> None:
    """DNG 1.7 may be a BigTIFF."""
    with pytest.raises(UnsupportedImage, match="RAW"):
        pixels(encoded(make_picture(160, 120), "TIFF", tiffinfo=tags, big_tiff=big))


def test_ordinary_tiffs_are_read() -> None:
    picture = make_picture(160, 120)
    smaller = [number(256, 80), number(257, 60), number(262, 2, SHORT)]
    pyramid = raw_file([], smaller)
    assert pixels(pyramid).shape == (64, 64, 3)
    assert pixels(encoded(picture, "TIFF", tiffinfo={271: "NIKON CORPORATION"})).shape == (
        64,
        64,
        3,
    )
    big = encoded(picture, "TIFF", big_tiff=True, tiffinfo={271: "NIKON CORPORATION"})
    assert near(big, encoded(picture, "PNG"))
    pages = encoded(picture, "TIFF", save_all=True, append_images=[make_picture(640, 480)])
    assert near(pages, encoded(picture, "PNG"))
