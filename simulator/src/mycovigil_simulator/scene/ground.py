"""The forest floor under the subject: litter in perspective, shadows, focus."""

import cv2
import numpy as np

from mycovigil_simulator.arrays import Array, Image
from mycovigil_simulator.raster import blend, resize
from mycovigil_simulator.scene import litter
from mycovigil_simulator.scene.backdrop import SIDE as BACKDROP_SIDE
from mycovigil_simulator.scene.backdrop import VARIANTS as BACKDROPS
from mycovigil_simulator.scene.backdrop import backdrop
from mycovigil_simulator.scene.light import Light
from mycovigil_simulator.scene.view import View
from mycovigil_simulator.traits import Ground

FLOORS = np.float32(6 * litter.SIDE)  # farther out the floor is too blurred to see


def paint_ground(
    view: View, ground: Ground, light: Light, rng: np.random.Generator
) -> tuple[Image, Array]:
    """The canvas with floor and backdrop, sRGB (size, size, 3), and the depth of each pixel."""
    depth = view.ground_depth()
    sharp, blurred = litter.floor(ground, int(rng.integers(litter.VARIANTS)))
    # Small subjects would show the floor's pixels: the floor's scale follows the scene's halfway.
    density = litter.SIDE / litter.WIDTH * float(np.sqrt(20 / (view.pixel * view.size)))
    turn = rng.normal(0, 0.3) if ground is Ground.WOOD else rng.uniform(0, 6.2832)
    cos, sin = density * float(np.cos(turn)), density * float(np.sin(turn))
    u, v = (
        np.clip(view.ground_chart(depth, way, start), -FLOORS, FLOORS)
        for way, start in zip(
            ((cos, -sin), (sin, cos)), rng.uniform(0, litter.SIDE, 2), strict=True
        )
    )
    near = _mapped(sharp, u, v)
    far = resize(_mapped(blurred, u[::2, ::2], v[::2, ::2]), view.size)
    away = np.clip(np.abs(depth / view.distance - 1) * 1.8 - 0.25, 0, 1)
    canvas = blend(near, far, np.where(np.isfinite(depth), away, 1))
    canvas = _lit(canvas, light, rng)
    return _with_backdrop(canvas, view, depth, rng), depth


def _mapped(floor: Image, u: Array, v: Array) -> Image:
    """The floor at columns u and rows v, mirrored beyond its edges."""
    mirrored = cv2.BORDER_REFLECT_101
    return np.asarray(cv2.remap(floor, u, v, cv2.INTER_LINEAR, borderMode=mirrored), np.uint8)


def _lit(canvas: Image, light: Light, rng: np.random.Generator) -> Image:
    """The light's colour and strength on the floor, and one floor's own hue."""
    strength = light.sun * light.direction[2] + 0.8 * light.sky
    gain = strength ** (1 / 2.2) * np.exp(rng.normal(0, 0.025, 3) + rng.normal(0, 0.15))
    table = np.clip(np.arange(256)[:, None] * gain[None, :], 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(canvas, table[None]), np.uint8)


def _with_backdrop(canvas: Image, view: View, depth: Array, rng: np.random.Generator) -> Image:
    """Put the backdrop above the horizon, with a soft border."""
    picture = backdrop(int(rng.integers(BACKDROPS)))
    left = int(rng.integers(BACKDROP_SIDE // 2))
    gain = rng.uniform(0.6, 1.25)
    fade = np.clip((depth / view.distance - 3.0) / 6.0, 0, 1)
    if not (fade > 0).any():
        return canvas
    piece = picture[:, left : left + BACKDROP_SIDE // 2]
    behind = np.asarray(cv2.convertScaleAbs(resize(piece, view.size), alpha=gain), np.uint8)
    return blend(canvas, behind, fade)
