"""Cameras: what lies between the scene and the file."""

from dataclasses import dataclass

import cv2
import numpy as np

from mycovigil_simulator.arrays import Array, Image
from mycovigil_simulator.colour import GAMMA
from mycovigil_simulator.raster import blur, resize


@dataclass(frozen=True, slots=True)
class Camera:
    """The knobs of a camera.

    `exposure` and `exposure_spread` are in stops; `white_balance` are gains of red, green and
    blue in linear light; `blur` is the sd of the lens in pixels of a 128-pixel picture; `noise`
    is the sensor noise's sd in 1/255; `resolution` is the share of the picture's pixels that
    the sensor resolves; `quality` is JPEG's.
    """

    name: str
    exposure: float = 0.0
    exposure_spread: float = 0.2
    white_balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    balance_spread: float = 0.03
    contrast: float = 1.0
    saturation: float = 1.0
    blur: float = 0.3
    sharpening: float = 0.0
    noise: float = 3.0
    vignette: float = 0.1
    resolution: float = 1.0
    quality: int = 90


COMPACT = Camera(
    "compact",
    white_balance=(1.04, 1.0, 0.95),
    blur=0.45,
    noise=5.0,
    vignette=0.18,
    quality=84,
    resolution=0.85,
)
REFLEX = Camera("reflex", blur=0.25, noise=2.0, quality=93, saturation=1.05)
PHONE = Camera(
    "phone",
    white_balance=(0.97, 1.0, 1.04),
    blur=0.35,
    noise=4.0,
    sharpening=0.3,
    contrast=1.06,
    quality=88,
)
REFERENCE_CAMERAS: tuple[Camera, ...] = (COMPACT, REFLEX, PHONE)
NEW_PHONE = Camera(
    "new_phone",
    exposure=0.45,
    white_balance=(0.84, 1.0, 1.26),
    contrast=1.12,
    saturation=1.1,
    blur=0.2,
    sharpening=1.1,
    noise=8.0,
    vignette=0.02,
    quality=72,
)


def apply(camera: Camera, image: Image, rng: np.random.Generator) -> Image:
    """The picture (h, w, 3) as this camera takes it, before JPEG; same shape."""
    shown = _tone(camera, image, rng)
    shown = _optics(camera, shown)
    if camera.noise > 0:
        grain = rng.standard_normal(image.shape, dtype=np.float32)
        shown = shown + grain * camera.noise
    return np.asarray(np.clip(shown + 0.5, 0, 255), np.uint8)


def _tone(camera: Camera, image: Image, rng: np.random.Generator) -> Array:
    """Exposure, white balance, contrast and saturation, as float32 in [0, 255]."""
    stops = camera.exposure + camera.exposure_spread * rng.standard_normal()
    drift = np.exp(camera.balance_spread * rng.standard_normal(3))
    gain = (2.0**stops * np.array(camera.white_balance) * drift) ** (1 / GAMMA)
    levels = np.arange(256)[:, None] * gain[None, :]
    levels = 118 + (levels - 118) * camera.contrast
    table = np.clip(levels, 0, 255).astype(np.float32)
    shown = np.asarray(cv2.LUT(image, table[None]), np.float32)
    grey = shown @ np.array([0.299, 0.587, 0.114], np.float32)
    return np.asarray(grey[..., None] + (shown - grey[..., None]) * camera.saturation, np.float32)


def _optics(camera: Camera, shown: Array) -> Array:
    """Sensor resolution, lens blur, sharpening and vignette."""
    height, width = shown.shape[:2]
    scale = max(width, height) / 128
    if camera.resolution < 1:
        narrow, low = (max(round(side * camera.resolution), 1) for side in (width, height))
        shown = resize(resize(shown, narrow, low, area=True), width, height)
    if camera.blur > 0:
        shown = blur(shown, camera.blur * scale)
    if camera.sharpening > 0:
        shown = shown + camera.sharpening * (shown - blur(shown, scale))
    if camera.vignette > 0:
        across = np.linspace(-1, 1, width, dtype=np.float32) ** 2
        down = np.linspace(-1, 1, height, dtype=np.float32)[:, None] ** 2
        shown = shown * (1 - camera.vignette * (across + down))[..., None]
    return shown


def to_jpeg(image: Image, camera: Camera) -> bytes:
    """The picture (h, w, 3) RGB as a JPEG file of the camera's quality."""
    options = [cv2.IMWRITE_JPEG_QUALITY, camera.quality]
    _, coded = cv2.imencode(".jpg", image[..., ::-1], options)
    return bytes(coded)
