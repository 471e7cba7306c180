"""TIFF structures entry by entry, as cameras write RAW files."""

import struct

SHORT, LONG, BYTE, ASCII = 3, 4, 1, 2
Entry = tuple[int, int, int, bytes]


def number(tag: int, value: int, kind: int = LONG) -> Entry:
    return (
        tag,
        kind,
        1,
        struct.pack("<HH" if kind == SHORT else "<I", *((value, 0) if kind == SHORT else (value,))),
    )


def directory(entries: list[Entry], then: int = 0) -> bytes:
    lines = b"".join(
        struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0")[:4]
        for tag, kind, count, value in sorted(entries)
    )
    return struct.pack("<H", len(entries)) + lines + struct.pack("<I", then)


def raw_file(first: list[Entry], inner: list[Entry] | None = None, *, at: int = 100_000) -> bytes:
    """A 160 x 120 preview with ``first`` among its entries, and ``inner`` as a second directory
    within it."""
    preview = bytes(range(256)) * 225  # 160 x 120 x 3
    place = 8 + len(preview)
    size = [number(256, 160), number(257, 120), number(259, 1, SHORT), number(262, 2, SHORT)]
    size += [number(258, 8, SHORT), number(277, 3, SHORT), number(278, 120), number(273, 8)]
    size += [number(279, len(preview)), *([] if inner is None else [number(330, at)])]
    entries = {entry[0]: entry for entry in [*size, *first]}
    whole = b"II*\0" + struct.pack("<I", place) + preview + directory([*entries.values()])
    return whole if inner is None else whole.ljust(at, b"\0") + directory(inner)
