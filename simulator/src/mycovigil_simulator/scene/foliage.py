"""Grass blades, moss tufts and loose leaves, behind, around and before the subject."""

import cv2
import numpy as np

from mycovigil_simulator.arrays import Array, Image
from mycovigil_simulator.scene.light import Light
from mycovigil_simulator.scene.litter import (
    GRASS_TONES,
    LEAF_TONES,
    MOSS_TONES,
    NEEDLE_TONES,
    leaf_outline,
    rgb,
)
from mycovigil_simulator.scene.view import View
from mycovigil_simulator.traits import Ground

SHIFT = 4  # fillPoly's fixed-point bits
STEPS = np.linspace(0, 1, 6, dtype=np.float32)
TONES = {
    Ground.GRASS: GRASS_TONES,
    Ground.MOSS: MOSS_TONES,
    Ground.NEEDLES: NEEDLE_TONES,
    Ground.LEAVES: GRASS_TONES[:4],
    Ground.SOIL: GRASS_TONES[:4],
    Ground.WOOD: MOSS_TONES,
}
SPARSE = {
    Ground.GRASS: (46, 9.0),
    Ground.MOSS: (60, 1.4),
    Ground.NEEDLES: (16, 2.0),
    Ground.LEAVES: (5, 6.0),
    Ground.SOIL: (7, 5.0),
    Ground.WOOD: (26, 1.2),
}


def blades(
    canvas: Image,
    view: View,
    ground: Ground,
    light: Light,
    rng: np.random.Generator,
    *,
    depth: tuple[float, float],
    share: float = 1.0,
    spread: float = 0.55,
) -> None:
    """Draw blades whose roots lie between two depths (in scene widths, 0 the subject), in place."""
    count, tall = SPARSE[ground]
    number = int(rng.poisson(count * share * (depth[1] - depth[0]) / 0.8))
    width = view.pixel * view.size
    if not number:
        return
    y = np.sort(rng.uniform(*depth, number))[::-1] * width
    x = rng.uniform(-spread, spread, number) * width * (1 + y / width * 0.5)
    height = tall * rng.uniform(0.4, 1.3, number) * (width / 20) ** 0.85
    _draw(canvas, view, _strip(x, y, height, rng), TONES[ground], light, rng)


def tufts(
    canvas: Image,
    view: View,
    ground: Ground,
    light: Light,
    rng: np.random.Generator,
    *,
    foot: Array,
    radius: float,
) -> None:
    """A few short blades before a stem's base, so that it grows out of the ground, in place."""
    number = int(rng.integers(6, 12))
    angle = rng.uniform(-2.8, -0.3, number)
    x = foot[0] + radius * rng.uniform(0.9, 1.6, number) * np.cos(angle)
    y = foot[1] + radius * rng.uniform(0.9, 1.4, number) * np.sin(angle)
    height = radius * rng.uniform(0.4, 1.3, number)
    order = np.argsort(-y)
    tones = LEAF_TONES if ground in {Ground.LEAVES, Ground.SOIL} else TONES[ground]
    _draw(canvas, view, _strip(x[order], y[order], height[order], rng, 0.16), tones, light, rng)


def _strip(
    x: Array, y: Array, height: Array, rng: np.random.Generator, stout: float = 0.03
) -> Array:
    """World outlines (n, 12, 3) of curved, tapering blades rooted at (x, y, 0)."""
    count = len(x)
    lean = rng.normal(0, 0.45, (count, 2)) * height[:, None]
    bend = STEPS[None, :] ** 1.9
    spine = np.stack(
        [
            x[:, None] + lean[:, :1] * bend,
            y[:, None] + lean[:, 1:] * bend,
            height[:, None] * STEPS[None, :] * (1 - 0.2 * bend),
        ],
        axis=-1,
    )
    half = (stout * height * rng.uniform(0.6, 1.4, count))[:, None] * (1 - STEPS[None, :] ** 1.5)
    left, right = spine.copy(), spine.copy()
    left[..., 0] -= half + 0.01
    right[..., 0] += half
    return np.concatenate([left, right[:, ::-1]], axis=1)


def _draw(
    canvas: Image,
    view: View,
    outlines: Array,
    tones: tuple[str, ...],
    light: Light,
    rng: np.random.Generator,
) -> None:
    columns, rows, _ = view.project(outlines.reshape(-1, 3).T.astype(np.float32))
    corners = np.stack([columns, rows], 1).clip(-2000, 2000) * (1 << SHIFT)
    corners = corners.reshape(outlines.shape[0], -1, 2).astype(np.int32)
    gain = (light.sun.mean() * 0.55 + light.sky.mean()) ** (1 / 2.2)
    picks = rng.integers(len(tones), size=len(corners))
    shine = rng.uniform(0.6, 1.25, len(corners)) * gain
    for outline, pick, bright in zip(corners, picks, shine, strict=True):
        tone = tuple(min(255.0, part * bright) for part in rgb(tones[pick]))
        cv2.fillPoly(canvas, [outline], tone, cv2.LINE_AA, SHIFT)


def fallen_leaves(
    canvas: Image,
    view: View,
    light: Light,
    rng: np.random.Generator,
    *,
    depth: tuple[float, float],
    count: int,
    clear: float = 0.0,
) -> None:
    """Loose leaves on the ground between two depths (scene widths), `clear` cm off the middle."""
    width = view.pixel * view.size
    for _ in range(count):
        y = rng.uniform(*depth) * width
        x = rng.uniform(-0.5, 0.5) * width
        if abs(x) < clear and y < 0:
            x = np.sign(x) * (clear + rng.uniform(0, 0.2) * width)
        outline = leaf_outline(rng, 5.0 * rng.uniform(0.6, 1.2) * np.sqrt(width / 20))
        turn, slope = rng.uniform(0, 6.3), rng.normal(0, 0.3)
        cos, sin = np.cos(turn), np.sin(turn)
        flat = outline @ np.array([[cos, sin], [-sin, cos]])
        lift = 0.25 + np.abs(outline[:, 1]) * 0.5 + np.maximum(flat[:, 0] * slope, -0.2)
        points = np.stack([x + flat[:, 0], y + flat[:, 1], lift])
        columns, rows, _ = view.project(points.astype(np.float32))
        corners = np.stack([columns, rows], 1).clip(-2000, 2000) * (1 << SHIFT)
        gain = (light.sun.mean() * 0.6 + light.sky.mean()) ** (1 / 2.2) * rng.uniform(0.7, 1.25)
        tone = np.array(rgb(LEAF_TONES[rng.integers(len(LEAF_TONES))])) * gain
        shadow = (corners + (2 << SHIFT)).astype(np.int32)
        cv2.fillPoly(canvas, [shadow], tuple(0.25 * tone), cv2.LINE_AA, SHIFT)
        cv2.fillPoly(
            canvas, [corners.astype(np.int32)], tuple(np.minimum(tone, 255)), cv2.LINE_AA, SHIFT
        )
        ends = corners[[0, 13]].astype(np.int32)
        cv2.polylines(canvas, [ends], False, tuple(0.7 * tone), 1, cv2.LINE_AA, SHIFT)
