"""Shadows that fruit bodies throw on the ground."""

import cv2
import numpy as np

from mycovigil_simulator.arrays import Array, Image
from mycovigil_simulator.fungus.cap_profile import upper
from mycovigil_simulator.fungus.growth import Body
from mycovigil_simulator.scene.light import Light
from mycovigil_simulator.scene.view import View

COARSE = 2  # shadows are soft: canvas pixels a mask pixel
UPWARD = np.array([0.0, 0.0, 1.0], np.float32)


def cast(canvas: Image, view: View, light: Light, bodies: list[Body]) -> None:
    """Darken the ground in `canvas`, in place: the sun's shadow, and less sky near the bodies."""
    side = view.size // COARSE
    sun, sky = np.zeros((side, side), np.uint8), np.zeros((side, side), np.uint8)
    for body in bodies:
        outline = _outline(body)
        _fill(sun, view, _fallen(outline, light.direction), 255)
        _fill(sky, view, _fallen(outline, UPWARD), 130)
        _fill(sky, view, _foot(body), 255)
    scale = side / 256
    hard = _soften(sun, (2.0 + 9.0 * light.softness) * scale)
    soft = _soften(sky, 7 * scale)
    keep = (1 - (0.62 - 0.4 * light.softness) * hard) * (1 - 0.55 * soft)
    keep = cv2.resize(keep, (view.size, view.size), interpolation=cv2.INTER_LINEAR)
    cv2.multiply(canvas, cv2.merge([keep, keep, keep]), dst=canvas, dtype=cv2.CV_8U)


def _soften(mask: Image, blur: float) -> Array:
    """The mask blurred by `blur` pixels, as shares."""
    soft = cv2.GaussianBlur(mask, (0, 0), max(blur, 0.3))
    return np.asarray(soft, np.float32) / 255


def _outline(body: Body) -> Array:
    """World points whose shadows' hull is the body's shadow: cap rings and the stem's foot."""
    radius, height = upper(body)
    frame = body.head.inside(body.place)
    angle = np.linspace(0, 6.2832, 14, dtype=np.float32)
    rings = [
        frame.to_world(
            np.stack([radius[k] * np.cos(angle), radius[k] * np.sin(angle), 0 * angle + height[k]])
        )
        for k in (len(radius) // 3, 2 * len(radius) // 3, len(radius) - 1)
    ]
    return np.concatenate(rings, axis=1)


def _foot(body: Body) -> Array:
    angle = np.linspace(0, 6.2832, 14)
    reach = body.stem_radius * (1.5 + 0.8 * body.species.stem.bulb)
    x, y = body.place.origin[:2]
    return np.stack([x + reach * np.cos(angle), y + reach * np.sin(angle), 0 * angle])


def _fallen(points: Array, toward: Array) -> Array:
    """Points carried along the light onto the ground."""
    shadow: Array = points - toward[:, None] * (np.maximum(points[2], 0) / toward[2])
    return shadow


def _fill(mask: Image, view: View, points: Array, value: int) -> None:
    columns, rows, _ = view.project(points.astype(np.float32))
    corners = np.stack([columns, rows], 1) / COARSE
    hull = cv2.convexHull(corners.clip(-4000, 4000).astype(np.int32))
    cv2.fillConvexPoly(mask, hull, value)
