"""Pictures of photos that may be stored and shown: what was judged, without metadata."""

import io
import warnings

from PIL import Image

from mycovigil.vision.image import cut_off
from mycovigil.vision.image.colour import interpolable, opaque_srgb
from mycovigil.vision.image.container.plain_photo import PlainPhoto
from mycovigil.vision.image.container.taking_apart import put_together, taken_apart
from mycovigil.vision.image.crop import TURNS
from mycovigil.vision.image.opening import opened, orientation_of

QUALITY = 88
# Longer side, in pixels, of the copy of a photo whose own file browsers do not show as judged.
COPY_SIDE = 1_280


def gallery_file(photo: PlainPhoto | bytes) -> bytes:
    """The photo's own file without its metadata, with colour profile and orientation; a copy in
    JPEG where browsers do not show it as it was judged (clear pixels, CMYK, TIFF, HEIC, …).

    Raises:
        ValueError, OSError, Image.DecompressionBombError: it cannot be read.
    """
    photo = photo if isinstance(photo, PlainPhoto) else taken_apart(photo)
    if isinstance(photo, PlainPhoto) and photo.whole and photo.shows_itself:
        return put_together(photo)
    return small_copy(photo, side=COPY_SIDE)


def small_copy(photo: PlainPhoto | bytes, *, side: int) -> bytes:
    """As :func:`small_picture`, in JPEG and without metadata."""
    stream = io.BytesIO()
    small_picture(photo, side=side).save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()


def small_picture(photo: PlainPhoto | bytes, *, side: int) -> Image.Image:
    """The upright opaque photo in sRGB, at most ``side`` pixels a side; of a file that was cut off
    what is there.

    Raises:
        ValueError, OSError, Image.DecompressionBombError: it cannot be read.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _small_picture(photo if isinstance(photo, PlainPhoto) else taken_apart(photo), side)


def _small_picture(photo: PlainPhoto | bytes, side: int) -> Image.Image:
    completed, ground = next(cut_off.completions(photo))
    with opened(completed) as image:
        image.draft("RGB", (side, side))
        cut_off.load_on(ground, image)
        small = interpolable(image)
        small.thumbnail((side, side), reducing_gap=None)
        turn = TURNS.get(orientation_of(image, photo))
    plain = opaque_srgb(small)
    plain.info.clear()
    return plain if turn is None else plain.transpose(turn)
