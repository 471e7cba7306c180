"""The encoder's square cut out of a photo, to the pixel as open_clip's own transform cuts it."""

from dataclasses import dataclass

from PIL import Image

BICUBIC = Image.Resampling.BICUBIC
# What makes a photo upright, by EXIF orientation (CIPA DC-008, tag 0x0112); 1 is upright.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
LAID_DOWN = frozenset({5, 6, 7, 8})
MIRRORED_ACROSS = frozenset({2, 3, 7, 8})
MIRRORED_DOWN = frozenset({3, 4, 6, 7})


@dataclass(frozen=True, slots=True)
class CropBox:
    """The square of ``size`` at (``left``, ``top``) of a photo scaled to ``width`` x ``height``."""

    size: int
    width: int
    height: int
    left: int
    top: int

    @classmethod
    def centre(cls, width: float, height: float, size: int, resize: str) -> "CropBox":
        """Of an upright photo: torchvision's ``Resize`` and ``CenterCrop``, their rounding too.

        ``"shortest"`` scales the shorter side to ``size``, ``"squash"`` both sides.
        """
        if resize == "squash":
            return cls(size, size, size, 0, 0)
        shorter = min(width, height)
        across, down = int(size * width / shorter), int(size * height / shorter)
        return cls(size, across, down, round((across - size) / 2), round((down - size) / 2))

    def as_stored(self, orientation: int) -> "CropBox":
        """The same box in the pixels of a file with this EXIF orientation."""
        width, height, left, top = self.width, self.height, self.left, self.top
        if orientation in LAID_DOWN:
            width, height, left, top = height, width, top, left
        if orientation in MIRRORED_ACROSS:
            left = width - self.size - left
        if orientation in MIRRORED_DOWN:
            top = height - self.size - top
        return CropBox(self.size, width, height, left, top)


def centre_square(
    image: Image.Image,
    covered: tuple[float, float],
    *,
    size: int,
    resize: str,
    orientation: int = 1,
) -> Image.Image:
    """The upright square (size, size) of ``image``, in its mode.

    ``covered``: width and height of the photo in pixels of ``image``; a JPEG of odd width that
    is decoded at half its scale ends within its last column.
    """
    across, down = covered[::-1] if orientation in LAID_DOWN else covered
    box = CropBox.centre(across, down, size, resize).as_stored(orientation)
    square = _scaled(image, covered, box)
    return square.transpose(TURNS[orientation]) if orientation in TURNS else square


def _scaled(image: Image.Image, covered: tuple[float, float], box: CropBox) -> Image.Image:
    """Across first and then down, which rounds as Pillow's resize of the whole photo does, but
    leaves out what the crop would drop."""
    size, x, y = box.size, covered[0] / box.width, covered[1] / box.height
    columns = (box.left * x, 0, (box.left + size) * x, image.height)
    strip = image.resize((size, image.height), BICUBIC, box=columns)
    return strip.resize((size, size), BICUBIC, box=(0, box.top * y, size, (box.top + size) * y))
