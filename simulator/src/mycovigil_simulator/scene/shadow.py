"""Shadows that fruit bodies throw on the ground."""

import cv2
import numpy as np
from numpy.typing import NDArray

from mycovigil_simulator.colour import Image
from mycovigil_simulator.fungus.growth import Body
from mycovigil_simulator.fungus.profile import upper
from mycovigil_simulator.scene.light import Light
from mycovigil_simulator.scene.view import View

Array = NDArray[np.float32]


def cast(canvas: Image, view: View, light: Light, bodies: list[Body]) -> None:
    """Darken the ground in `canvas`, in place: the sun's shadow, and less sky near the bodies."""
    sun = np.zeros((view.size, view.size), np.uint8)
    sky = np.zeros_like(sun)
    for body in bodies:
        _fill(sun, view, _fallen(_outline(body), light.direction), 255)
        straight = np.array([0.0, 0.0, 1.0], np.float32)
        _fill(sky, view, _fallen(_outline(body), straight), 130)
        _fill(sky, view, _foot(body), 255)
    scale = view.size / 256
    blur = (2.0 + 9.0 * light.softness) * scale
    hard = cv2.GaussianBlur(sun, (0, 0), blur).astype(np.float32) / 255
    soft = cv2.GaussianBlur(sky, (0, 0), 7 * scale).astype(np.float32) / 255
    keep = (1 - (0.62 - 0.4 * light.softness) * hard) * (1 - 0.55 * soft)
    np.multiply(canvas, keep[..., None], out=canvas, casting="unsafe")


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
    corners = np.stack([columns, rows], 1).clip(-4000, 4000).astype(np.int32)
    cv2.fillConvexPoly(mask, cv2.convexHull(corners), value)
