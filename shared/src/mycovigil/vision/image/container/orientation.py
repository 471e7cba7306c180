"""The orientation of a photo, read from EXIF or XMP of any quality."""

import re
import struct

from mycovigil.vision.image.container import tiff_directory
from mycovigil.vision.image.container.plain_photo import UPRIGHT

TAG, SHORT = 0x0112, 3
PREFIX = b"Exif\0\0"
# As Pillow reads it where EXIF has none.
XMP = re.compile(rb"tiff:Orientation(?:=[\"']|>)([1-8])")


def of_exif(exif: bytes) -> int | None:
    """1 to 8; none if EXIF, with or without its prefix, is silent about it or broken."""
    directory = tiff_directory.read(exif.removeprefix(PREFIX)) or {}
    (value,) = directory.get(TAG, ())[:1] or (0,)
    return value if UPRIGHT <= value <= 8 else None


def of_xmp(xmp: bytes) -> int | None:
    """1 to 8; none if XMP is silent about it."""
    found = XMP.search(xmp)
    return int(found[1]) if found else None


def exif_of(orientation: int) -> bytes:
    """The shortest EXIF that says it, without the prefix."""
    directory = struct.pack(">HHHIHHI", 1, TAG, SHORT, 1, orientation, 0, 0)
    return b"MM\0*" + struct.pack(">I", 8) + directory
