"""ICC profiles made from numbers: no profile of anybody is copied."""

import struct

from PIL import ImageCms

# Of Display P3's primaries, adapted to D50 (as Apple publishes them), and of sRGB's.
P3 = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))
D50 = (0.9642, 1.0, 0.8249)


def rgb_profile(
    primaries: tuple[tuple[float, float, float], ...] = P3, *, gamma: float = 2.2, extra: int = 0
) -> bytes:
    """A matrix profile; ``extra``: bytes of a private tag, for profiles of any size."""
    curve = _curve(gamma)
    tags = {
        b"rXYZ": _xyz(*primaries[0]),
        b"gXYZ": _xyz(*primaries[1]),
        b"bXYZ": _xyz(*primaries[2]),
    }
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    return _profile(b"RGB ", tags, extra)


def grey_profile(*, gamma: float = 1.0, extra: int = 0) -> bytes:
    return _profile(b"GRAY", {b"kTRC": _curve(gamma)}, extra)


def cmyk_profile() -> bytes:
    """A printer of which each ink takes its complement from white; 2 grid points a channel."""
    grid = bytearray()
    for number in range(16):
        cyan, magenta, yellow, black = ((number >> bit) & 1 for bit in (3, 2, 1, 0))
        light = (1 - black) * (1 - (cyan + magenta + yellow) / 4)
        grid += bytes((round(255 * light), 128 + 40 * (magenta - cyan), 128 + 40 * (yellow - cyan)))
    inputs, outputs = bytes(range(256)) * 4, bytes(range(256)) * 3
    unit = struct.pack(
        ">9i", *(65_536 * (row == column) for row in range(3) for column in range(3))
    )
    table = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + unit + inputs + bytes(grid) + outputs
    return _profile(b"CMYK", {b"A2B0": table}, 0, connection=b"Lab ", kind=b"prtr")


def _curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"


def _xyz(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65_536) for value in values))


def _profile(
    space: bytes,
    tags: dict[bytes, bytes],
    extra: int,
    *,
    connection: bytes = b"XYZ ",
    kind: bytes = b"mntr",
) -> bytes:
    text = b"made"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text) + 1) + text + bytes(79),
        b"wtpt": _xyz(*D50),
        **tags,
    }
    if extra:
        tags[b"zzzz"] = b"data\0\0\0\0\0\0\0\1" + bytes(extra)
    place, table, body = 132 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        padded = content + bytes(-len(content) % 4)
        table += struct.pack(">4sII", name, place + len(body), len(content))
        body += padded
    size = place + len(body)
    header = struct.pack(">I4sI4s4s4s", size, b"none", 0x02400000, kind, space, connection)
    header += struct.pack(">6H4s", 2026, 11, 30, 0, 0, 0, b"acsp") + bytes(28)
    header += struct.pack(">3i", *(round(value * 65_536) for value in D50))
    header = header.ljust(128, b"\0")
    return header + struct.pack(">I", len(tags)) + table + body


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
