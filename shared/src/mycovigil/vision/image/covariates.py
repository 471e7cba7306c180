"""Covariates: what a camera and the light do to a photo, apart from what is on it."""

from dataclasses import astuple, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from mycovigil.vision.image.decode import DecodedImage

LUMA = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
SRGB_TO_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)


@dataclass(frozen=True, slots=True)
class Covariates:
    """Measured on the encoder's square, so that reference and traffic are alike.

    ``brightness`` and ``contrast``: mean and sd of luma in [0, 1]; ``sharpness``: log10 of the
    variance of the Laplacian of luma; ``colour_temperature``: correlated, in kelvin (McCamy
    1992) of the mean colour; ``saturation``: mean of (max - min) in [0, 1]; ``width`` and
    ``height``: pixels of the photo as it came; ``jpeg_quality``: IJG 1 to 100, if a JPEG.
    """

    brightness: float
    contrast: float
    sharpness: float
    colour_temperature: float
    saturation: float
    width: int
    height: int
    jpeg_quality: float | None

    def columns(self) -> dict[str, float | int | None]:
        return {name: getattr(self, name) for name in NAMES}

    def vector(self) -> NDArray[np.float64]:
        """(8,) in the order of :data:`NAMES`; a missing quality is NaN."""
        return np.array([np.nan if value is None else value for value in astuple(self)])


NAMES: tuple[str, ...] = tuple(field.name for field in fields(Covariates))
# Effect of a move between two values of which neither varied at all.
BEYOND = 10.0


def effect(before: float, after: float, spread: float | None, spread_after: float | None) -> float:
    """How far a mean moved, in standard deviations of before; of after where there were none."""
    scale = spread or spread_after or abs(after - before) / BEYOND
    return (after - before) / scale if scale else 0.0


def spread_ratio(before: float | None, after: float | None) -> float | None:
    """Standard deviation of after over that of before; none where either is unknown, or before
    did not vary."""
    return after / before if before and after is not None else None


def measure(image: DecodedImage) -> Covariates:
    """The covariates of a decoded photo; 0.5 ms at 224 pixels, thanks to whole colour planes."""
    planes = np.ascontiguousarray(image.pixels.transpose(2, 0, 1)).astype(np.float32)
    planes /= np.float32(255)
    red, green, blue = planes
    luma = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return Covariates(
        brightness=float(luma.mean()),
        contrast=float(luma.std()),
        sharpness=float(np.log10(_laplacian(luma).var() + 1e-8)),
        colour_temperature=_correlated_temperature(planes.mean(axis=(1, 2))),
        saturation=float(spread.mean()),
        width=image.width,
        height=image.height,
        jpeg_quality=image.jpeg_quality,
    )


def _laplacian(luma: NDArray[np.float32]) -> NDArray[np.float32]:
    centre = luma[1:-1, 1:-1]
    return luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4 * centre


def _correlated_temperature(colour: NDArray[np.float32]) -> float:
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    xyz = SRGB_TO_XYZ @ linear
    total = float(xyz.sum())
    if total < 1e-6:
        return 6500.0
    x, y = float(xyz[0]) / total, float(xyz[1]) / total
    n = (x - 0.3320) / (0.1858 - y) if abs(0.1858 - y) > 1e-6 else 0.0
    kelvin = 449.0 * n**3 + 3525.0 * n**2 + 6823.3 * n + 5520.33
    return float(np.clip(kelvin, 1_000.0, 25_000.0))
