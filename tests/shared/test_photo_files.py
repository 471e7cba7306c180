"""What stands in a photo file beside its picture never decides about it."""

import io
import re
import struct
from collections.abc import Callable

import numpy as np
import pytest
from factories.photo import deflated_zeros, encoded, make_photo, make_picture, png_chunk
from factories.profile import rgb_profile
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mycovigil.vision.image.decode import TooManyPixels, UndecodableImage, decode

LIMIT = 60_000_000
Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


def pixels(data: bytes) -> Pixels:
    return decode(data, size=64, max_pixels=LIMIT).pixels


def several(first: Image.Image, second: Image.Image, **options: object) -> bytes:
    """A JPEG with another picture behind it, as phones write gain maps and previews (MPF)."""
    return encoded(first, "MPO", save_all=True, append_images=[second], **options)


def test_a_phone_jpeg_with_a_preview_behind_it_is_read_as_the_plain_one() -> None:
    large, small = Image.new("RGB", (8_064, 6_048), "brown"), Image.new("RGB", (2_016, 1_512))
    found = decode(several(large, small), size=64, max_pixels=LIMIT)
    assert (found.format, found.width, found.height) == ("JPEG", 8_064, 6_048)
    assert (found.pixels == pixels(encoded(large, "JPEG"))).all()


@pytest.mark.parametrize("progressive", [False, True])
def test_nothing_behind_the_first_picture_counts(progressive: bool) -> None:
    first = make_picture(400, 300)
    plain = encoded(first, "JPEG", progressive=progressive)
    expected = pixels(plain)
    others = {
        "progressive JPEGs": 40 * make_photo(64, 64, progressive=True),
        "half a JPEG": make_photo(640, 480)[:900],
        "a PNG": encoded(first, "PNG"),
        "a video": b"\0\0\0\x18ftypmp42" + 20 * b"\xff\xda\xff\xd8\xff\xd9",
        "zeros": bytes(100_000),
        "scans": 5_000 * (b"\xff\xda\0\x0c\3\1\0\2\x11\3\x11\0\x3f\0" + bytes(10)),
    }
    for name, behind in others.items():
        assert (pixels(plain + behind) == expected).all(), name
    for second in (make_picture(200, 150, seed=1), Image.new("L", (64, 64))):
        assert (pixels(several(first, second, progressive=progressive)) == expected).all()


def test_a_first_picture_of_many_scans_is_still_refused_with_another_behind_it() -> None:
    first = make_picture(5_100, 5_000)
    with pytest.raises(TooManyPixels, match="progressive JPEG"):
        pixels(several(first, make_picture(), progressive=True))


def segment(code: int, content: bytes) -> bytes:
    return bytes([0xFF, code]) + struct.pack(">H", len(content) + 2) + content


def jpeg_with(*segments: bytes) -> bytes:
    plain = make_photo(400, 300)
    return plain[:2] + b"".join(segments) + plain[2:]


MPF = b"MPF\0II*\0\x08\0\0\0\1\0\1\xb0\4\0\xff\xff\xff\xff\xff\xff\xff\x7f\0\0\0\0"
JPEG_METADATA: dict[str, list[bytes]] = {
    "broken MPF": [segment(0xE2, MPF), segment(0xE2, b"MPF\0")],
    "broken EXIF": [segment(0xE1, b"Exif\0\0" + 9_000 * b"\xff")],
    "EXIF that points nowhere": [segment(0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xf0")],
    "EXIF of odd types": [
        segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", 0x0112, 12, 9, 9))
    ],
    "XMP": [segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + 60_000 * b"<")],
    "1.5 MB of profile": [
        segment(0xE2, b"ICC_PROFILE\0" + bytes([number, 25]) + 60_000 * b"\x80")
        for number in range(1, 26)
    ],
    "half a profile": [segment(0xE2, b"ICC_PROFILE\0\2\2" + rgb_profile()[:100])],
    "IPTC": [segment(0xED, b"Photoshop 3.0\0" + 65_000 * b"8")] * 40,
    "every kind": [segment(code, b"x" * 65_000) for code in range(0xE3, 0xF0) if code != 0xEE],
    "Adobe's name alone": [segment(0xEE, b"Adobe")],
    "comments": [segment(0xFE, b"\xff\xd9\xff\xda" * 10_000)] * 40,
}


@pytest.mark.parametrize("kind", JPEG_METADATA)
def test_metadata_never_refuses_a_jpeg(kind: str) -> None:
    assert (pixels(jpeg_with(*JPEG_METADATA[kind])) == pixels(make_photo(400, 300))).all()


def png_with(*chunks: bytes) -> bytes:
    plain = make_photo(400, 300, kind="PNG")
    return plain[:33] + b"".join(chunks) + plain[33:]


PNG_METADATA: dict[str, list[bytes]] = {
    "1.5 MB of profile": [png_chunk(b"iCCP", b"a\0\0" + deflated_zeros(1_500_000))],
    "100 MB of profile": [png_chunk(b"iCCP", b"a\0\0" + deflated_zeros(100_000_000))],
    "profile of another compression": [png_chunk(b"iCCP", b"a\0\7" + deflated_zeros(10))],
    "broken profile": [png_chunk(b"iCCP", b"a\0\0nonsense")],
    "profile without a name": [png_chunk(b"iCCP", b"a" * 200)],
    "text": [png_chunk(b"zTXt", b"a\0\0" + deflated_zeros(70_000_000))],
    "texts": [png_chunk(b"zTXt", b"a\0\0" + deflated_zeros(900_000))] * 90,
    "long text": [png_chunk(b"tEXt", b"a\0" + b"x" * 2_000_000)],
    "international text": [png_chunk(b"iTXt", b"a\0\1\0\0\0" + deflated_zeros(70_000_000))],
    "broken text": [
        png_chunk(b"iTXt", b"a"),
        png_chunk(b"zTXt", b"a\0\1x"),
        png_chunk(b"tEXt", b""),
    ],
    "XMP": [png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + deflated_zeros(70_000_000))],
    "EXIF": [png_chunk(b"eXIf", b"MM\0*" + b"\xff" * 2_000_000)],
    "EXIF as text": [png_chunk(b"zTXt", b"Raw profile type exif\0\0" + deflated_zeros(70_000_000))],
    "broken sums": [png_chunk(b"tEXt", b"a\0b")[:-4] + b"\0\0\0\0"],
    "odd sizes": [png_chunk(b"pHYs", b"x"), png_chunk(b"gAMA", b""), png_chunk(b"sRGB", b"99")],
    "clear colours of odd sizes": [
        png_chunk(b"tRNS", b""),
        png_chunk(b"tRNS", b"\0"),
        png_chunk(b"tRNS", bytes(300)),
    ],
    "unknown": [png_chunk(b"prVt", b"x" * 1_000_000)],
    "animation": [png_chunk(b"acTL", b"\0\0\0\0\0\0\0\0")],
}


@pytest.mark.parametrize("kind", PNG_METADATA)
def test_metadata_never_refuses_a_png(kind: str) -> None:
    assert (pixels(png_with(*PNG_METADATA[kind])) == pixels(make_photo(400, 300, kind="PNG"))).all()


def test_a_large_profile_is_still_used() -> None:
    large = encoded(
        Image.new("RGB", (64, 64), "teal"), "PNG", icc_profile=rgb_profile(extra=1_500_000)
    )
    small = encoded(Image.new("RGB", (64, 64), "teal"), "PNG", icc_profile=rgb_profile())
    assert (pixels(large) == pixels(small)).all()


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(
        kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)
        for kind, content in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


WEBP_METADATA: dict[str, tuple[bytes, bytes]] = {
    "profile": (b"ICCP", b"\x80" * 1_500_000),
    "EXIF": (b"EXIF", b"\xff" * 1_500_001),
    "XMP": (b"XMP ", b"<" * 1_500_000),
    "unknown": (b"abcd", b"x" * 1_500_000),
}


@pytest.mark.parametrize("kind", WEBP_METADATA)
def test_metadata_never_refuses_a_webp(kind: str) -> None:
    plain = make_photo(400, 300, kind="WEBP")
    (size,) = struct.unpack_from("<I", plain, 16)
    extended = bytes([0x2C, 0, 0, 0]) + (399).to_bytes(3, "little") + (299).to_bytes(3, "little")
    picture = (plain[12:16], plain[20 : 20 + size])
    odd = riff((b"VP8X", extended), WEBP_METADATA[kind], picture, WEBP_METADATA[kind])
    assert (pixels(odd) == pixels(plain)).all()


def test_metadata_never_refuses_a_gif_or_a_tiff() -> None:
    picture = make_picture(400, 300)
    for form in ("GIF", "TIFF"):
        plain, options = encoded(picture, form), {}
        if form == "GIF":
            options = {"comment": b"x" * 2_000_000}
        else:
            options = {"icc_profile": b"\x80" * 1_500_000}
        assert (pixels(encoded(picture, form, **options)) == pixels(plain)).all(), form


def turned(form: str, write: Callable[[Image.Image], bytes]) -> None:
    upright = make_picture(160, 120)
    stored = upright.transpose(Image.Transpose.ROTATE_90)
    difference = np.abs(pixels(write(stored)).astype(int) - pixels(encoded(upright, form)))
    assert difference.mean() < 3, form


def test_the_orientation_is_found_wherever_it_was_written() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    raw = exif.tobytes()
    xmp = b'<x tiff:Orientation="6"/>'
    for form in ("JPEG", "PNG", "WEBP", "TIFF"):
        turned(form, lambda image, form=form: encoded(image, form, exif=raw))  # type: ignore[misc]
    for form in ("JPEG", "WEBP"):
        turned(form, lambda image, form=form: encoded(image, form, xmp=xmp))  # type: ignore[misc]
    texts = {
        "XML:com.adobe.xmp": xmp.decode(),
        "Raw profile type exif": f"\nexif\n{len(raw)}\n{raw.hex()}",
    }
    for name, text in texts.items():
        for compressed in (False, True):
            info = PngInfo()
            add = info.add_itxt if name.startswith("XML") else info.add_text
            add(name, text, zip=compressed)
            turned("PNG", lambda image, info=info: encoded(image, "PNG", pnginfo=info))  # type: ignore[misc]


ENDLESS = {
    "segments": jpeg_with(*[segment(0xFE, b"")] * 20_000),
    "chunks": png_with(*[png_chunk(b"tEXt", b"")] * 250_000),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_endless_lists_of_metadata_are_an_attack(kind: str) -> None:
    with pytest.raises(UndecodableImage, match=kind):
        pixels(ENDLESS[kind])


def refusal(data: bytes) -> str:
    try:
        pixels(data)
    except (UndecodableImage, TooManyPixels) as error:
        return str(error)
    return ""


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_damaged_files_are_a_plain_sentence_or_a_photo(form: str) -> None:
    chance = np.random.default_rng(20_261_130)
    plain = np.frombuffer(make_photo(120, 90, kind=form), dtype=np.uint8)
    for _ in range(200):
        data = plain.copy()
        places = chance.integers(0, min(len(data), 800), 6)
        data[places] = chance.integers(0, 256, 6)
        told = refusal(data.tobytes()[: chance.integers(20, len(data) + 1)])
        assert not re.search(r"object at|Error|Errno|\bb'", told), told


def test_pixels_of_a_stream_are_those_of_pillow() -> None:
    """Taking a file apart loses nothing that a decoder needs."""
    picture = make_picture(300, 200)
    for form, options in (
        ("JPEG", {"subsampling": 0}),
        ("JPEG", {"progressive": True, "optimize": True}),
        ("JPEG", {"keep_rgb": True}),
        ("JPEG", {"restart_marker_blocks": 1}),
        ("JPEG", {"restart_marker_rows": 1, "progressive": True}),
        ("PNG", {"optimize": True}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"quality": 40}),
    ):
        data = encoded(picture, form, **options)
        with Image.open(io.BytesIO(data)) as image:
            whole = encoded(image.convert("RGB"), "BMP")
        assert (pixels(data) == pixels(whole)).all(), (form, options)
