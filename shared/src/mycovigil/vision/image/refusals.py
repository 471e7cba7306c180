"""Why a photo is not decoded."""


class UndecodableImage(ValueError):
    """Not an image of a supported format, or a broken one."""


class UnsupportedImage(UndecodableImage):
    """An image, but of a format that we do not read (RAW, AVIF, SVG, PDF, and HEIC
    without its extra)."""


class TooManyPixels(ValueError):
    """The header promises more pixels than the limit; nothing was decoded."""
