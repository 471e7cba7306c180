"""HEIC, the iPhone's format, where the extra `heif` is installed (docs/decisions/0013-heic.md).

Its library is asked for one picture only, on the thread that asks.
"""

import importlib
import io
import math
import struct
from typing import Any

from PIL import Image

from mycovigil.vision.image.refusals import UndecodableImage, UnsupportedImage

# Brands of ISO/IEC 23008-12 (annex B) whose pictures are coded as HEVC.
BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"hevc", b"hevx"})
OTHER_BRANDS = frozenset({b"avif", b"avis", b"crx "})
MOST_BRANDS = 32
# Share of a file's bytes that may be missing: the library shows nothing where they were, and its
# tiles stand in the order of the picture.
MOST_MISSING = 1 / 8
# A grid may decode to more pixels than it shows, at its edges.
TILE_SPARE, SPARE_PIXELS = 2, 4_000_000
ADVICE = (
    "HEIC photos are not read here; send a JPEG: on an iPhone choose Settings, Camera, Formats, "
    "Most Compatible for the photos to come, and share those you have as JPEG"
)


def is_heif(data: bytes) -> bool:
    """Whether the file says that it holds a HEIC picture, which AVIF's and Canon's RAW do not."""
    if data[4:8] != b"ftyp":
        return False
    size = min(int.from_bytes(data[:4]), 16 + 4 * MOST_BRANDS)
    brands = {data[8:12], *(data[place : place + 4] for place in range(16, size, 4))}
    return bool(brands & BRANDS) and not brands & OTHER_BRANDS


def opened(data: bytes) -> Image.Image:
    """The photo, upright; its header is read, its pixels are not yet.

    Raises:
        UnsupportedImage: the extra is not installed.
        UndecodableImage: its tiles are far larger than the picture, or much of it is missing.
    """
    try:
        library: Any = importlib.import_module("pillow_heif")
    except ImportError as error:
        raise UnsupportedImage(ADVICE) from error
    lacking = missing(data)
    if lacking > MOST_MISSING * (len(data) + lacking):
        raise UndecodableImage("the file ends before its picture does; send it again")
    options = library.options
    options.DECODE_THREADS = 1
    options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
    image: Image.Image = library.HeifImageFile(io.BytesIO(data))
    if _coded_pixels(image) > TILE_SPARE * image.width * image.height + SPARE_PIXELS:
        raise UndecodableImage("the tiles of this HEIC file are far larger than its picture")
    return image


def _coded_pixels(image: Image.Image) -> int:
    grid = image.info.get("tiling") or {}
    sides = ("num_columns", "num_rows", "tile_width", "tile_height")
    return math.prod(int(grid.get(side, 0)) for side in sides)


def missing(data: bytes) -> int:
    """How many bytes the boxes of a cut file promise and it lacks."""
    place = 0
    while place + 16 <= len(data):
        size, _, large = struct.unpack_from(">I4sQ", data, place)
        if size == 0:  # to the end of the file
            return 0
        if size == 1:
            size = large
        if size < 8:
            return 0
        place += size
    return max(0, place - len(data))
