"""The first directory of a TIFF structure, as TIFF files, EXIF and camera RAW have one."""

import struct
from collections.abc import Mapping
from typing import NamedTuple

# struct's letter for the integer types BYTE, SHORT, LONG, IFD, and BigTIFF's LONG8 and IFD8.
INTEGERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
# Cameras write about 20 entries; of an entry more than a few values are never needed.
MOST_ENTRIES, MOST_VALUES = 500, 16
BIG = 43


class _Form(NamedTuple):
    """How a directory is written: where the file names the first one, struct's letters of a place
    and of the number of entries, bytes of an entry and of the values that stand within it."""

    first: int
    place: str
    number: str
    entry: int
    within: int


CLASSIC, BIG_TIFF = _Form(4, "I", "H", 12, 4), _Form(8, "Q", "Q", 20, 8)
Directory = Mapping[int, tuple[int, ...]]


def read(tiff: bytes, start: int | None = None) -> Directory | None:
    """The integers of each tag, empty for one of another type.

    Args:
        start: where the directory begins; the first one if none.

    Returns:
        none where there is no directory, or a broken one.
    """
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 16:
        return None
    form = BIG_TIFF if struct.unpack_from(f"{order}H", tiff, 2) == (BIG,) else CLASSIC
    if start is None:
        (start,) = struct.unpack_from(order + form.place, tiff, form.first)
    begin = start + struct.calcsize(order + form.number)
    if begin > len(tiff):
        return None
    (count,) = struct.unpack_from(order + form.number, tiff, start)
    end = min(len(tiff), begin + min(count, MOST_ENTRIES) * form.entry)
    places = range(begin, end - form.entry + 1, form.entry)
    return dict(_entry(tiff, order, form, place) for place in places)


def _entry(tiff: bytes, order: str, form: _Form, place: int) -> tuple[int, tuple[int, ...]]:
    head = f"{order}HH{form.place}"
    tag, kind, count = struct.unpack_from(head, tiff, place)
    if kind not in INTEGERS:
        return tag, ()
    values = f"{order}{min(count, MOST_VALUES)}{INTEGERS[kind]}"
    at = place + struct.calcsize(head)
    if count * struct.calcsize(order + INTEGERS[kind]) > form.within:
        (at,) = struct.unpack_from(order + form.place, tiff, at)
    inside = at + struct.calcsize(values) <= len(tiff)
    return tag, struct.unpack_from(values, tiff, at) if inside else ()
