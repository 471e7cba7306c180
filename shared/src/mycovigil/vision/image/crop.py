"""The encoder's square cut out of a photo, to the pixel as open_clip's own transform cuts it."""

from dataclasses import dataclass

from PIL import Image

BICUBIC = Image.Resampling.BICUBIC
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a photo upright, by EXIF orientation (CIPA DC-008, tag 0x0112); 1 is upright."""
LAID_DOWN = frozenset({5, 6, 7, 8})
MIRRORED_ACROSS = frozenset({2, 3, 7, 8})
MIRRORED_DOWN = frozenset({3, 4, 6, 7})


@dataclass(frozen=True, slots=True)
class Window:
    """The square of ``size`` at (``left``, ``top``) of a photo scaled to ``width`` x ``height``."""

    size: int
    width: int
    height: int
    left: int
    top: int

    @classmethod
    def centre(cls, width: float, height: float, size: int, resize: str) -> "Window":
        """Of an upright photo: torchvision's ``Resize`` and ``CenterCrop``, their rounding too.

        ``"shortest"`` scales the shorter side to ``size``, ``"squash"`` both sides.
        """
        if resize == "squash":
            return cls(size, size, size, 0, 0)
        shorter = min(width, height)
        across, down = int(size * width / shorter), int(size * height / shorter)
        return cls(size, across, down, round((across - size) / 2), round((down - size) / 2))

    def as_stored(self, orientation: int) -> "Window":
        """The same window in the pixels of a file with this EXIF orientation."""
        width, height, left, top = self.width, self.height, self.left, self.top
        if orientation in LAID_DOWN:
            width, height, left, top = height, width, top, left
        if orientation in MIRRORED_ACROSS:
            left = width - self.size - left
        if orientation in MIRRORED_DOWN:
            top = height - self.size - top
        return Window(self.size, width, height, left, top)


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
    window = Window.centre(across, down, size, resize).as_stored(orientation)
    square = _scaled(image, covered, window)
    return square.transpose(TURNS[orientation]) if orientation in TURNS else square


def _scaled(image: Image.Image, covered: tuple[float, float], window: Window) -> Image.Image:
    """Across first and then down, which rounds as Pillow's resize of the whole photo does, but
    leaves out what the crop would drop."""
    size, x, y = window.size, covered[0] / window.width, covered[1] / window.height
    columns = (window.left * x, 0, (window.left + size) * x, image.height)
    strip = image.resize((size, image.height), BICUBIC, box=columns)
    return strip.resize(
        (size, size), BICUBIC, box=(0, window.top * y, size, (window.top + size) * y)
    )
