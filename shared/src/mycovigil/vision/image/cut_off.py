"""Files that end early or are damaged: how much of the picture is there.

Such a file is decoded twice, completed by other bytes and on another ground each time. Where both
pictures agree, they show what is in the file; where they differ, what is not.
"""

from collections.abc import Iterator

from PIL import Image, ImageFile

from mycovigil.vision.image import heif
from mycovigil.vision.image.container import jpeg_segments, webp_chunks
from mycovigil.vision.image.container.plain_photo import PlainPhoto, noise

# Share of the encoder's square that may be missing.
MOST_MISSING = 1 / 8
GROUNDS = (0, 255)
OPAQUE = 255
# More than the end of a TIFF's last directory, which libtiff writes last.
END_OF_TIFF = bytes(16)


def completions(photo: PlainPhoto | bytes) -> Iterator[tuple[PlainPhoto | bytes, int]]:
    """The file completed in two ways, and the ground on which to decode each."""
    return zip(_completed(photo), GROUNDS, strict=True)


def _completed(photo: PlainPhoto | bytes) -> Iterator[PlainPhoto | bytes]:
    if isinstance(photo, bytes):
        if heif.is_heif(photo):
            missing = heif.missing(photo)
            yield from (photo + bytes(missing), photo + noise(missing))
        else:
            yield from (photo + END_OF_TIFF, photo + END_OF_TIFF)
    elif photo.whole or photo.format == "PNG":
        yield from (photo, photo)
    elif photo.format == "WEBP":
        yield from webp_chunks.ends(photo)
    else:
        yield jpeg_segments.ended(photo)
        yield jpeg_segments.continued(photo)  # large: made once the first was found to be allowed


def load_on(ground: int, image: Image.Image) -> None:
    """Decode what is there; the other pixels keep the level ``ground``."""
    if isinstance(image, ImageFile.ImageFile):
        prepare = image.load_prepare

        def prepare_ground() -> None:
            prepare()
            bands = image.im.bands
            alpha = (OPAQUE,) if image.mode in {"LA", "PA", "RGBA"} else ()
            level = (ground,) * (bands - len(alpha)) + alpha
            image.im.paste(level if bands > 1 else ground, (0, 0, *image.size))

        image.load_prepare = prepare_ground  # type: ignore[method-assign]
    try:
        image.load()
    except Exception:  # Pillow raises nearly everything on damaged files
        image.tile = []  # type: ignore[attr-defined]
        image.load()


def levels(image: Image.Image) -> Image.Image:
    """The numbers in the file: of a palette, two may have one colour."""
    if image.mode != "P":
        return image
    return Image.frombytes("L", image.size, image.tobytes())
