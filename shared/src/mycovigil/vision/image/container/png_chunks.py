"""PNG without what does not decide its pixels: text, times, animation, chunks of programs."""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from mycovigil.vision.image.container.orientation import exif_of, of_exif, of_xmp
from mycovigil.vision.image.container.plain_photo import UPRIGHT, PlainPhoto
from mycovigil.vision.image.refusals import UndecodableImage

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MOST_CHUNKS = 200_000
# Of a profile or a text once inflated; profiles of printers have about 2 MB.
MOST_INFLATED = 8_000_000
XMP_NAME = b"XML:com.adobe.xmp\0"
# ImageMagick's way to keep EXIF.
RAW_EXIF = (b"Raw profile type exif\0", b"Raw profile type APP1\0")
HEX = re.compile(rb"[0-9a-f]{2}", re.IGNORECASE)
GREY, COLOUR, PALETTE, ALPHA = 0, 2, 3, frozenset({4, 6})
# Bytes of a clear colour; of a palette's, the most.
CLEAR = {GREY: 2, COLOUR: 6, PALETTE: 256}


@dataclass(slots=True)
class _Parts:
    header: bytes = b""
    tables: list[bytes] = field(default_factory=list)
    pixels: list[memoryview] = field(default_factory=list)
    profile: bytes | None = None
    exif: int | None = None
    other: int | None = None
    clear: bool = False
    whole: bool = False


def read(data: bytes) -> PlainPhoto:
    """Take a PNG apart.

    Raises:
        UndecodableImage: it has no header, or too many chunks.
    """
    parts = _Parts()
    for kind, content in _chunks(data):
        _take(parts, kind, content)
    if len(parts.header) != 13:
        raise UndecodableImage("the PNG has no header")
    depth, colour = parts.header[8:10]
    orientation = parts.exif or parts.other or UPRIGHT
    plain = (SIGNATURE, _chunk(b"IHDR", parts.header), *parts.tables)
    opaque = colour not in ALPHA and not parts.clear
    return PlainPhoto(
        "PNG",
        b"".join((*plain, _chunk(b"IDAT", b"".join(parts.pixels)), _chunk(b"IEND", b""))),
        profile=parts.profile or b"",
        orientation=orientation,
        whole=parts.whole,
        # 16 bits of grey are shown by browsers, but no two programs agree how to reduce them
        shows_itself=opaque and orientation == UPRIGHT and (depth, colour) != (16, GREY),
    )


def written(photo: PlainPhoto) -> bytes:
    """The plain file with profile and orientation."""
    place = len(SIGNATURE) + 25  # behind the header
    parts = [photo.data[:place]]
    if photo.profile:
        parts.append(_chunk(b"iCCP", b"icc\0\0" + zlib.compress(photo.profile)))
    if photo.orientation != UPRIGHT:
        parts.append(_chunk(b"eXIf", exif_of(photo.orientation)))
    return b"".join((*parts, photo.data[place:]))


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(kind))
    return b"".join((struct.pack(">I", len(content)), kind, content, struct.pack(">I", checksum)))


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Type and content; the last may be cut. Checksums are left to who reads the pixels."""
    view, place = memoryview(data), len(SIGNATURE)
    for _ in range(MOST_CHUNKS):
        if place + 8 > len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, place)
        yield kind, view[place + 8 : place + 8 + length]
        if kind == b"IEND":
            return
        place += 12 + length
    raise UndecodableImage(f"a PNG of more than {MOST_CHUNKS:,} chunks is not read")


def _take(parts: _Parts, kind: bytes, content: memoryview) -> None:
    match kind:
        case b"IHDR":
            parts.header = parts.header or bytes(content)
        case b"PLTE":
            parts.tables.append(_chunk(kind, bytes(content)))
        case b"tRNS" if _is_clear(parts.header, len(content)):
            parts.tables.append(_chunk(kind, bytes(content)))
            parts.clear = True
        case b"IDAT":
            parts.pixels.append(content)
        case b"iCCP" if parts.profile is None:
            parts.profile = _inflated(bytes(content).partition(b"\0")[2][1:])
        case b"eXIf" if parts.exif is None:
            parts.exif = of_exif(bytes(content)) or 0
        case b"tEXt" | b"zTXt" | b"iTXt" if parts.other is None:
            parts.other = _of_text(kind, content)
        case b"IEND":
            parts.whole = True


def _is_clear(header: bytes, size: int) -> bool:
    """Whether so many bytes say what is clear; as browsers do, others are passed over."""
    colour = header[9] if len(header) == 13 else -1
    most = CLEAR.get(colour, 0)
    return 0 < size <= most if colour == PALETTE else 0 < size == most


def _of_text(kind: bytes, content: memoryview) -> int | None:
    """The orientation in a text chunk of EXIF or XMP, 0 if it has none; none of another text."""
    start = bytes(content[:40])
    if kind == b"iTXt" and start.startswith(XMP_NAME):
        return _of_xmp_chunk(bytes(content[len(XMP_NAME) :])) or 0
    if kind != b"iTXt" and start.startswith(RAW_EXIF):
        text = bytes(content[start.index(b"\0") + 1 :])
        return _of_raw_exif(text if kind == b"tEXt" else _inflated(text[1:])) or 0
    return None


def _of_raw_exif(text: bytes) -> int | None:
    """Of hexadecimal digits, in lines behind the profile's name and its length."""
    digits = HEX.findall(text.lstrip(b"\n").split(b"\n", 2)[-1])
    return of_exif(bytes.fromhex(b"".join(digits).decode()))


def _of_xmp_chunk(content: bytes) -> int | None:
    """Of XMP behind two bytes on its compression, its language and its translated name."""
    text = content[2:].split(b"\0", 2)[-1]
    return of_xmp(_inflated(text) if content[:1] == b"\1" else text)


def _inflated(compressed: bytes) -> bytes:
    """Inflated in bounds; empty if it is broken or too large: metadata never refuses a photo."""
    inflater = zlib.decompressobj()
    try:
        found = inflater.decompress(compressed, MOST_INFLATED)
    except zlib.error:
        return b""
    return found if not inflater.unconsumed_tail else b""
