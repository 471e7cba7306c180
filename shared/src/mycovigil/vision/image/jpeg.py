"""What a JPEG's header says: its quality, and whether it can be decoded piece by piece."""

from PIL import Image

# Sum of the luminance table of ITU-T T.81 annex K.1, which IJG quality 50 uses unscaled.
STANDARD_LUMINANCE_SUM = 3_689
START_OF_SCAN = b"\xff\xda"


def estimated_quality(image: Image.Image) -> float | None:
    """IJG quality (1 to 100) whose scaled standard table has the same sum; none if no JPEG."""
    tables = getattr(image, "quantization", None)
    if not tables:
        return None
    scale = 100.0 * sum(tables[min(tables)]) / STANDARD_LUMINANCE_SUM
    quality = (200 - scale) / 2 if scale <= 100 else 5000 / scale
    return float(min(max(quality, 1.0), 100.0))


def scans(image: Image.Image, data: bytes, opened: int) -> int:
    """Scans of an opened JPEG. With one, libjpeg keeps a few rows of blocks in memory; with
    several, all coefficients of the photo, and it goes through all of them for each scan.

    ``opened``: where Pillow stopped to read, behind the first scan's header. If that scan has
    all components and is sequential, it is the only one. Otherwise markers are counted, previews
    in the metadata too; entropy-coded data cannot hold one (T.81, B.1.1.5).
    """
    components = getattr(image, "layers", 0)
    length = 6 + 2 * components
    header = START_OF_SCAN + bytes([0, length, components])
    if "progressive" not in image.info and data.startswith(header, opened - length - 2):
        return 1
    return data.count(START_OF_SCAN)
