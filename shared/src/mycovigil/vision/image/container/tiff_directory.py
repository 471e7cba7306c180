"""The first directory of a TIFF structure, as TIFF files, EXIF and camera RAW have one."""

import struct
from collections.abc import Mapping

# struct's letter for the integer types BYTE, SHORT, LONG and IFD.
INTEGERS = {1: "B", 3: "H", 4: "I", 13: "I"}
ENTRY = 12
# Cameras write about 20 entries; of an entry more than a few values are never needed.
MOST_ENTRIES, MOST_VALUES = 500, 16

Directory = Mapping[int, tuple[int, ...]]


def read(tiff: bytes, start: int | None = None) -> Directory | None:
    """The integers of each tag, empty for one of another type.

    Args:
        start: where the directory begins; the first one if none.

    Returns:
        none where there is no directory, or a broken one.
    """
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return None
    if start is None:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
    if start + 2 > len(tiff):
        return None
    (count,) = struct.unpack_from(f"{order}H", tiff, start)
    end = min(len(tiff), start + 2 + min(count, MOST_ENTRIES) * ENTRY)
    places = range(start + 2, end - ENTRY + 1, ENTRY)
    return dict(_entry(tiff, order, place) for place in places)


def _entry(tiff: bytes, order: str, place: int) -> tuple[int, tuple[int, ...]]:
    tag, kind, count = struct.unpack_from(f"{order}HHI", tiff, place)
    if kind not in INTEGERS:
        return tag, ()
    values = f"{order}{min(count, MOST_VALUES)}{INTEGERS[kind]}"
    at = place + 8
    if count * struct.calcsize(INTEGERS[kind]) > 4:
        (at,) = struct.unpack_from(f"{order}I", tiff, at)
    inside = at + struct.calcsize(values) <= len(tiff)
    return tag, struct.unpack_from(values, tiff, at) if inside else ()
