"""WebP (RIFF) without EXIF, XMP and unknown chunks."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from mycovigil.vision.image.container.orientation import exif_of, of_exif, of_xmp
from mycovigil.vision.image.container.plain_photo import (
    UPRIGHT,
    PlainPhoto,
    noise,
)
from mycovigil.vision.image.refusals import UndecodableImage

MOST_CHUNKS = 10_000
PIXELS = frozenset({b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"})
# Flags of the chunk VP8X.
PROFILE, ALPHA, EXIF, XMP, ANIMATED = 0x20, 0x10, 0x08, 0x04, 0x02
HEADER = 12
EXTENDED = 18
# Byte and bit of a lossless picture's header that announce alpha.
VP8L_ALPHA = (4, 0x10)


@dataclass(slots=True)
class _Parts:
    extended: bytes = b""
    pixels: list[bytes] = field(default_factory=list)
    profile: bytes = b""
    exif: int | None = None
    xmp: int | None = None
    flags: int = 0
    missing: int = 0


def read(data: bytes) -> PlainPhoto:
    """Take a WebP apart. Of a cut one, ``data`` lacks as many bytes as its header promises.

    Raises:
        UndecodableImage: it has no pixels, more than half of them are missing, or it has too many
            chunks.
    """
    parts = _Parts()
    for kind, content, missing in _chunks(data):
        _take(parts, kind, content, missing)
    body = b"".join((parts.extended, *parts.pixels))
    if not parts.pixels or parts.missing > len(body):
        raise UndecodableImage("the file ends before its picture does; send it again")
    orientation = parts.exif or parts.xmp or UPRIGHT
    return PlainPhoto(
        "WEBP",
        _riff(body, parts.missing),
        profile=parts.profile,
        orientation=orientation,
        whole=not parts.missing,
        shows_itself=not parts.flags & (ALPHA | ANIMATED) and orientation == UPRIGHT,
    )


def ends(photo: PlainPhoto) -> tuple[PlainPhoto, PlainPhoto]:
    """A cut file with two ends; longer than what is missing, for a decoder that reads noise may
    need more of it."""
    size = 2 * len(photo.data)
    *_, (kind, content, _) = _chunks(photo.data)
    before = photo.data[HEADER : len(photo.data) - len(content) - 8]
    first, second = (
        before + _chunk(kind, content + tail + bytes(len(content) % 2))
        for tail in (bytes(size), noise(size))
    )
    return replace(photo, data=_riff(first)), replace(photo, data=_riff(second))


def written(photo: PlainPhoto) -> bytes:
    """The plain file with profile and orientation."""
    body = photo.data[HEADER:]
    if not body.startswith(b"VP8X"):  # has neither
        return photo.data
    flags, metadata = body[8], b""
    if photo.profile:
        flags, metadata = flags | PROFILE, _chunk(b"ICCP", photo.profile)
    end = b""
    if photo.orientation != UPRIGHT:
        flags, end = flags | EXIF, _chunk(b"EXIF", exif_of(photo.orientation))
    body = b"".join((body[:8], bytes([flags]), body[9:EXTENDED], metadata, body[EXTENDED:], end))
    return _riff(body)


def _riff(body: bytes, missing: int = 0) -> bytes:
    return b"RIFF" + struct.pack("<I", 4 + len(body) + missing) + b"WEBP" + body


def _chunk(kind: bytes, content: bytes, missing: int = 0) -> bytes:
    """``missing``: bytes that its length counts and that the file does not have."""
    padding = bytes(len(content) % 2) if not missing else b""
    return kind + struct.pack("<I", len(content) + missing) + content + padding


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """Type and content; and how much of the content, and of the one byte that may pad it, the
    file lacks."""
    place = HEADER
    for _ in range(MOST_CHUNKS):
        if place + 8 > len(data):
            return
        kind, length = struct.unpack_from("<4sI", data, place)
        content = data[place + 8 : place + 8 + length]
        yield kind, content, length - len(content)
        place += 8 + length + length % 2
    raise UndecodableImage(f"a WebP of more than {MOST_CHUNKS:,} chunks is not read")


def _take(parts: _Parts, kind: bytes, content: bytes, missing: int) -> None:
    match kind:
        case b"VP8X" if not missing and len(content) == EXTENDED - 8:
            parts.flags |= content[0]
            plain = content[0] & ~(PROFILE | EXIF | XMP)
            parts.extended = _chunk(kind, bytes([plain]) + content[1:])
        case b"ICCP" if not missing:
            parts.profile = parts.profile or content
        case b"EXIF" if parts.exif is None:
            parts.exif = of_exif(content) or 0
        case b"XMP " if parts.xmp is None:
            parts.xmp = of_xmp(content) or 0
        case _ if kind in PIXELS:
            parts.pixels.append(_chunk(kind, content, missing))
            parts.missing = missing
            if kind == b"VP8L" and len(content) > VP8L_ALPHA[0]:
                parts.flags |= content[VP8L_ALPHA[0]] & VP8L_ALPHA[1]
