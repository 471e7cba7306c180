"""Which reader takes which file."""

from mycovigil.vision.image.container import jpeg_segments, png_chunks, webp_chunks
from mycovigil.vision.image.container.plain_photo import PlainPhoto


def taken_apart(data: bytes) -> PlainPhoto | bytes:
    """The plain photo of a JPEG, PNG or WebP file; another file as it is.

    Raises:
        UndecodableImage: it begins like one and is none.
    """
    if data.startswith(b"\xff\xd8\xff"):
        return jpeg_segments.read(data)
    if data.startswith(png_chunks.SIGNATURE):
        return png_chunks.read(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return webp_chunks.read(data)
    return data


def put_together(photo: PlainPhoto) -> bytes:
    """The plain file with its profile and orientation, and no other metadata."""
    match photo.format:
        case "JPEG":
            return jpeg_segments.written(photo)
        case "PNG":
            return png_chunks.written(photo)
        case "WEBP":
            return webp_chunks.written(photo)
