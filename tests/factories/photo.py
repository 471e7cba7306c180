"""Photos as bytes, made from a seed."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def make_picture(width: int = 96, height: int = 64, seed: int = 0) -> Image.Image:
    """Smooth colours with a bright corner, so that turning it is seen."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    small[0, 0] = 255
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def make_photo(
    width: int = 96, height: int = 64, seed: int = 0, kind: str = "JPEG", **options: Any
) -> bytes:
    """An encoded picture; ``options`` go to Pillow's ``save``."""
    return encoded(make_picture(width, height, seed), kind, **options)


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def png_chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def deflated_zeros(size: int) -> bytes:
    """A zlib stream of so many zeros, cheaply: the block of a megabyte again and again."""
    deflate = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    megabyte = deflate.compress(bytes(1 << 20)) + deflate.flush(zlib.Z_FULL_FLUSH)
    rest = deflate.compress(bytes(size % (1 << 20))) + deflate.flush()
    checksum = struct.pack(">I", size % 65_521 << 16 | 1)  # Adler-32 of zeros
    return b"\x78\xda" + (size >> 20) * megabyte + rest + checksum


def deep_png(values: NDArray[np.uint16], colour: int, profile: bytes = b"") -> bytes:
    """A PNG of 16 bits, which Pillow writes of greys only; ``colour``: the type in its header."""
    height, width = values.shape[:2]
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in values)
    header = struct.pack(">IIBB", width, height, 16, colour) + bytes(3)
    chunks = [png_chunk(b"IHDR", header)]
    if profile:
        chunks.append(png_chunk(b"iCCP", b"profile\0\0" + zlib.compress(profile)))
    chunks += [png_chunk(b"IDAT", zlib.compress(lines)), png_chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
