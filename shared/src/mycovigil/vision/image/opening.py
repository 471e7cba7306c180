"""Open photo files of any format that is read, without decoding a pixel."""

import io

from PIL import ExifTags, Image

from mycovigil.vision.image import heif
from mycovigil.vision.image.colour import GREY
from mycovigil.vision.image.container.plain_photo import UPRIGHT, PlainPhoto
from mycovigil.vision.image.crop import TURNS
from mycovigil.vision.image.foreign_format import refuse_raw

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
# Where a PNG names its colour type, and one that Pillow reads as colours if it has 16 bits.
COLOUR_TYPE, GREY_AND_ALPHA = 25, 4
ORIENTATION = ExifTags.Base.Orientation


def opened(photo: PlainPhoto | bytes) -> Image.Image:
    """A file that was taken apart, or one that cannot be, for Pillow to decode.

    Raises:
        UnsupportedImage: a RAW file, or HEIC without its library.
        OSError: Pillow knows no such format.
    """
    if isinstance(photo, PlainPhoto):
        image = Image.open(io.BytesIO(photo.data), formats=(photo.format,))
        image.info["icc_profile"] = photo.profile
        image.info[GREY] = photo.format == "PNG" and photo.data[COLOUR_TYPE] == GREY_AND_ALPHA
        return image
    refuse_raw(photo)
    if heif.is_heif(photo):
        return heif.opened(photo)
    return Image.open(io.BytesIO(photo), formats=FORMATS)


def orientation_of(image: Image.Image, photo: PlainPhoto | bytes) -> int:
    """As EXIF counts them, of an image whose pixels are loaded: a TIFF is upright by then.

    EXIF that cannot be read says nothing.
    """
    if isinstance(photo, PlainPhoto):
        return photo.orientation
    try:
        found = image.getexif().get(ORIENTATION, UPRIGHT)
    except Exception:  # Pillow raises nearly everything on broken EXIF
        return UPRIGHT
    return found if isinstance(found, int) and found in TURNS else UPRIGHT
