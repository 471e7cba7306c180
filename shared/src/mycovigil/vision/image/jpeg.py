"""The quality that a JPEG was saved with."""

from PIL import Image

# Sum of the luminance table of ITU-T T.81 annex K.1, which IJG quality 50 uses unscaled.
STANDARD_LUMINANCE_SUM = 3_689


def estimated_quality(image: Image.Image) -> float | None:
    """IJG quality (1 to 100) whose scaled standard table has the same sum; none if no JPEG."""
    tables = getattr(image, "quantization", None)
    if not tables:
        return None
    scale = 100.0 * sum(tables[min(tables)]) / STANDARD_LUMINANCE_SUM
    quality = (200 - scale) / 2 if scale <= 100 else 5000 / scale
    return float(min(max(quality, 1.0), 100.0))
