"""Small copies of kept photos: a page of eighty must not weigh megabytes on a phone."""

import io

from PIL import Image

QUALITY = 82


def thumbnail(data: bytes, most: int) -> bytes:
    """A JPEG of at most ``most`` pixels a side; a photo that is small already stays as it is.

    Decoded at a fraction of its size (libjpeg's scaled decoding), which costs a few milliseconds.
    What is no photo is handed on as it is: to show it is the browser's business.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            return data if max(image.size) <= most else _reduced(image, most)
    except (OSError, Image.DecompressionBombError):
        return data


def _reduced(image: Image.Image, most: int) -> bytes:
    image.draft("RGB", (most, most))
    image.thumbnail((most, most))
    small = io.BytesIO()
    image.convert("RGB").save(small, "JPEG", quality=QUALITY)
    return small.getvalue()
