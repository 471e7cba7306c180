"""JPEG (ITU-T T.81, JFIF, EXIF) without metadata, and without whatever follows the first picture.

Phones put a second picture behind the first (gain map, depth, preview, video), and tell of it in
APP2 "MPF". Of the application segments only JFIF's and Adobe's decide how pixels are read.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from mycovigil.vision.image.container.orientation import PREFIX, exif_of, of_exif, of_xmp
from mycovigil.vision.image.container.plain_photo import (
    UPRIGHT,
    PlainPhoto,
    noise,
)
from mycovigil.vision.image.refusals import UndecodableImage

START, END, SCAN = 0xD8, 0xD9, 0xDA
JFIF, EXIF, ICC, ADOBE = 0xE0, 0xE1, 0xE2, 0xEE
TABLES = frozenset({0xC4, 0xCC, 0xDB, 0xDC, 0xDD})
FRAMES = frozenset(range(0xC0, 0xD0)) - TABLES
KEPT = TABLES | FRAMES | {SCAN}
WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
ICC_NAME, XMP_NAME = b"ICC_PROFILE\0", b"http://ns.adobe.com/xap/1.0/\0"
# JFIF without its thumbnail, Adobe's transform without what may follow.
JFIF_BYTES, ADOBE_BYTES = 12, 12
# Where the segment of JFIF ends, if there is one.
JFIF_END = 2 + 4 + JFIF_BYTES + 2
# More segments than any encoder writes are an attack.
MOST_SEGMENTS = 5_000
MOST_SEGMENT_BYTES = 65_533
COEFFICIENTS = 64
BLOCK = 1 << 20
# Bytes of noise that are read for a block of pixels: 39 at quality 100, 7 in most photos.
BYTES_A_BLOCK, MOST_NOISE = 48, 64_000_000
RESTART, RESTARTS = 0xD0, 8


@dataclass(slots=True)
class _Header:
    """What stands before the first scan; ``scan``: where that begins."""

    kept: list[bytes] = field(default_factory=list)
    profile: dict[int, bytes] = field(default_factory=dict)
    exif: bytes = b""
    xmp: bytes = b""
    components: int = 0
    scan: int = 0


def read(data: bytes) -> PlainPhoto:
    """Take a JPEG apart.

    Raises:
        UndecodableImage: there is no scan, or a segment is cut before it.
    """
    header = _header(data)
    pieces, passes, whole = _scans(data, header)
    return PlainPhoto(
        "JPEG",
        b"".join((_marker(START), *header.kept, *pieces)),
        profile=b"".join(part for _, part in sorted(header.profile.items())),
        orientation=of_exif(header.exif) or of_xmp(header.xmp) or UPRIGHT,
        passes=passes,
        whole=whole,
        shows_itself=header.components in {1, 3},  # browsers differ over four
    )


def written(photo: PlainPhoto) -> bytes:
    """The plain file with profile and orientation."""
    size = MOST_SEGMENT_BYTES - len(ICC_NAME) - 2
    parts = [photo.profile[start : start + size] for start in range(0, len(photo.profile), size)]
    place = JFIF_END if photo.data[2:4] == _marker(JFIF) else 2  # JFIF's segment is the first
    stream = io.BytesIO()
    stream.write(photo.data[:place])
    if photo.orientation != UPRIGHT:
        stream.write(_segment(EXIF, PREFIX + exif_of(photo.orientation)))
    if len(parts) < 256:
        for number, part in enumerate(parts, start=1):
            stream.write(_segment(ICC, ICC_NAME + bytes([number, len(parts)]) + part))
    stream.write(memoryview(photo.data)[place:])
    return stream.getvalue()


def ended(photo: PlainPhoto) -> PlainPhoto:
    """A file that was cut, with an end marker."""
    return replace(photo, data=photo.data + _marker(END))


def continued(photo: PlainPhoto) -> PlainPhoto:
    """A file that was cut, with noise to the end of its picture. A picture that decodes as the
    one that was only ended lacks no pixels."""
    layout = _layout(photo.data)
    size = min(layout.units * layout.blocks * BYTES_A_BLOCK, MOST_NOISE)
    rest = noise(size)
    if layout.interval:
        each = noise(min(layout.interval * layout.blocks * BYTES_A_BLOCK, size))
        first = _last_restart(photo.data) + 1
        turn = [each + _marker(RESTART + (first + part) % RESTARTS) for part in range(RESTARTS)]
        rest = b"".join(turn) * (size // (RESTARTS * len(each)) + 1)
    return replace(photo, data=b"".join((photo.data, rest, _marker(END))))


@dataclass(slots=True)
class _Layout:
    """``units`` of coding (MCU) in the picture, ``blocks`` in each, ``interval``: units between
    two restart markers, 0 without any."""

    units: int = 1
    blocks: int = 1
    interval: int = 0


def _layout(data: bytes) -> _Layout:
    layout = _Layout()
    for code, _, content in _segments(data, 2):
        if code == 0xDD:
            layout.interval = int.from_bytes(content[:2])
        elif code in FRAMES and len(content) > 7:
            sampling = [(max(1, factor >> 4), max(1, factor & 15)) for factor in content[7::3]]
            across, down = (8 * max(factors) for factors in zip(*sampling, strict=True))
            height, width = int.from_bytes(content[1:3]), int.from_bytes(content[3:5])
            layout.units = max(1, -(-width // across) * -(-height // down))
            layout.blocks = sum(x * y for x, y in sampling)
    return layout


def _last_restart(data: bytes) -> int:
    """Number of the last restart marker; that before the first if there is none."""
    return max(range(RESTARTS), key=lambda number: data.rfind(_marker(RESTART + number)))


def _marker(code: int) -> bytes:
    return bytes([0xFF, code])


def _segment(code: int, content: bytes) -> bytes:
    return _marker(code) + (len(content) + 2).to_bytes(2) + content


def _header(data: bytes) -> _Header:
    header = _Header()
    for code, place, content in _segments(data, 2):
        if code == SCAN:
            header.scan = place
            return header
        if code in FRAMES:
            header.components = content[5] if len(content) > 5 else 0
        _take(header, code, content)
    raise UndecodableImage("the JPEG holds no picture")


def _take(header: _Header, code: int, content: bytes) -> None:
    if code == JFIF and content.startswith(b"JFIF\0"):
        whole = content[:JFIF_BYTES].ljust(JFIF_BYTES, b"\0")
        header.kept.insert(0, _segment(JFIF, whole + b"\0\0"))
    elif code == EXIF and content.startswith(PREFIX):
        header.exif = header.exif or content
    elif code == EXIF and content.startswith(XMP_NAME):
        header.xmp = header.xmp or content
    elif code == ICC and content.startswith(ICC_NAME):
        header.profile.setdefault(content[12] if len(content) > 12 else 0, content[14:])
    elif code == ADOBE and content.startswith(b"Adobe") and len(content) >= ADOBE_BYTES:
        header.kept.append(_segment(ADOBE, content[:ADOBE_BYTES]))
    elif code in KEPT:
        header.kept.append(_segment(code, content))


def _segments(data: bytes, place: int) -> Iterator[tuple[int, int, bytes]]:
    """Code, beginning and content of each segment; the first scan or a cut ends them.

    As libjpeg does, bytes between segments are skipped.
    """
    for _ in range(MOST_SEGMENTS):
        begin = data.find(b"\xff", place)
        place = begin + 1
        while data[place : place + 1] == b"\xff":  # fill bytes
            place += 1
        if begin < 0 or place >= len(data) or data[place] == END:
            return
        code = data[place]
        place += 1
        if code == 0 or code in WITHOUT_LENGTH:
            continue
        length = int.from_bytes(data[place : place + 2])
        if length < 2 or place + length > len(data):
            return
        yield code, place - 2, data[place + 2 : place + length]
        if code == SCAN:
            return
        place += length
    raise UndecodableImage(f"a JPEG of more than {MOST_SEGMENTS:,} segments is not read")


def _scans(data: bytes, header: _Header) -> tuple[list[memoryview], int, bool]:
    """The scans and their tables, how many scans, and whether the picture's end was found.

    Raises:
        UndecodableImage: the file ends before its last scan begins, or has too many segments.
    """
    view, pieces, script = memoryview(data), [], _Script()
    start = place = header.scan
    whole, end = False, len(data)
    for at in _markers(data, start):
        if at < place:  # within a segment
            continue
        code, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if code == END:
            whole, end = True, at + 2
            break
        if code == START or at + 2 + length > len(data):  # another picture, or a cut segment
            end = at
            break
        if code == SCAN:
            script.add(data[at + 4 : at + 2 + length])
        place = at + 2 + length
        if code not in KEPT:
            pieces.append(view[start:at])
            start = place
    if not whole and view[end - 1] == 0xFF:  # half a marker
        end -= 1
    pieces.append(view[start:end])
    if not whole and not script.is_complete(header.components):
        raise UndecodableImage("the file ends before its picture does; send it again")
    return pieces, script.scans, whole


class _Script:
    """Which coefficients of which component the scans have brought to full precision."""

    def __init__(self) -> None:
        self.scans = 0
        self._known: dict[int, set[int]] = {}

    def add(self, header: bytes) -> None:
        """Note a scan (T.81, B.2.3)."""
        self.scans += 1
        if self.scans > MOST_SEGMENTS:
            raise UndecodableImage(f"a JPEG of more than {MOST_SEGMENTS:,} scans is not read")
        if len(header) < 4 or len(header) < 4 + 2 * header[0]:
            return
        first, last, approximation = header[-3:]
        if approximation & 15 == 0:
            for component in header[1 : 1 + 2 * header[0] : 2]:
                self._known.setdefault(component, set()).update(range(first, last + 1))

    def is_complete(self, components: int) -> bool:
        known = [len(found) for found in self._known.values()]
        return len(known) >= components and min(known, default=0) >= COEFFICIENTS


def _markers(data: bytes, place: int) -> Iterator[int]:
    """Where markers stand from ``place`` on; coded data holds none (T.81, B.1.1.5)."""
    while place < len(data) - 1:
        count = min(BLOCK + 1, len(data) - place)
        block = np.frombuffer(data, dtype=np.uint8, count=count, offset=place)
        found = np.flatnonzero(block[:-1] == 0xFF)
        code = block[found + 1]
        coded = (code == 0) | (code == 0xFF) | ((code >= 0xD0) & (code <= 0xD7))
        yield from (found[~coded] + place).tolist()
        place += BLOCK
