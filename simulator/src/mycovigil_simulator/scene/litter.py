"""Pictures of the forest floor seen from above, painted once for each kind and variant."""

from functools import lru_cache

import cv2
import numpy as np

from mycovigil_simulator.arrays import Array, Image
from mycovigil_simulator.raster import blend, blur, resize
from mycovigil_simulator.texture import cloud
from mycovigil_simulator.traits import Ground

SIDE = 640  # pixels
WIDTH = 44.0  # cm
VARIANTS = 4
LAYERS = 16
LEAF_TONES = ("#6b4a2c", "#8a5f36", "#5a3c24", "#a37a48", "#4a3422", "#b08a5a", "#7a4a26")
NEEDLE_TONES = ("#6e4a2c", "#8a6238", "#553820", "#a07c4c", "#44301e", "#5f5a32")
MOSS_TONES = ("#46562a", "#5c6c34", "#74834a", "#333f20", "#8a9658", "#56662c")
MOSS_BRIGHT = ("#7d8f4a", "#93a35a", "#66783a", "#a5ad6a", "#576a32", "#8a8a4e")
GRASS_TONES = ("#4c632c", "#5f7838", "#788c48", "#3a4e24", "#8f9e5c", "#a5985e")
SOIL_TONES = ("#4a3828", "#5c4632", "#3a2c20", "#75603f", "#2e241a", "#857052")


def rgb(code: str) -> tuple[int, int, int]:
    """`#rrggbb` as bytes."""
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)


@lru_cache(maxsize=len(Ground) * VARIANTS)
def floor(ground: Ground, variant: int) -> tuple[Image, Image]:
    """The floor, sharp and blurred, as sRGB (SIDE, SIDE, 3)."""
    rng = np.random.default_rng([sorted(Ground).index(ground), variant, 5])
    paint = {
        Ground.LEAVES: _leaves,
        Ground.NEEDLES: _needles,
        Ground.MOSS: _moss,
        Ground.GRASS: _grass,
        Ground.SOIL: _soil,
        Ground.WOOD: _wood,
    }[ground]
    sharp = _mottled(paint(rng), variant)
    return sharp, blur(sharp, 7)


def _mottled(canvas: Image, variant: int) -> Image:
    """Light and dark patches over the whole floor."""
    patches = cv2.resize(cloud(variant, 1.6), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    gain = 0.62 + 0.76 * patches
    return np.clip(canvas * gain[..., None], 0, 255).astype(np.uint8)


def _base(tone: str) -> Image:
    return np.full((SIDE, SIDE, 3), rgb(tone), np.uint8)


def leaf_outline(rng: np.random.Generator, length: float) -> Array:
    """A leaf lying along x with its stalk at the left, (n, 2): beech or oak."""
    t = np.linspace(0, 1, 14)
    half = 0.30 * length * np.sin(np.pi * t**0.85) ** 0.8
    if rng.uniform() < 0.4:
        half = half * (1 + 0.32 * np.sin(t * 22 + rng.uniform(0, 6)))
    x = (t - 0.5) * length
    sway = rng.normal(0, 0.12) * length * np.sin(np.pi * t)
    return np.concatenate(
        [np.stack([x, sway + half], 1), np.stack([x[::-1], (sway - half)[::-1]], 1)]
    )


def _turned(outline: Array, angle: float) -> Array:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.asarray(outline @ np.array([[cos, sin], [-sin, cos]]))


def _leaves(rng: np.random.Generator) -> Image:
    canvas = _base("#33251a")
    for index in range(700):
        depth = 0.45 + 0.55 * index / 700
        outline = leaf_outline(rng, rng.uniform(42, 95))
        points = _turned(outline, rng.uniform(0, 6.3)) + rng.uniform(-20, SIDE + 20, 2)
        tone = np.array(rgb(LEAF_TONES[rng.integers(len(LEAF_TONES))])) * depth
        tone = tone * rng.uniform(0.75, 1.2)
        shadow = (points + 3).astype(np.int32)
        cv2.fillPoly(canvas, [shadow], tuple(0.30 * tone), cv2.LINE_AA)
        cv2.fillPoly(canvas, [points.astype(np.int32)], tuple(np.minimum(tone, 255)), cv2.LINE_AA)
        vein = np.stack([points[0], points[13]]).astype(np.int32)
        cv2.line(canvas, vein[0].tolist(), vein[1].tolist(), tuple(0.72 * tone), 1, cv2.LINE_AA)
    return canvas


def _strokes(
    canvas: Image,
    rng: np.random.Generator,
    *,
    tones: tuple[str, ...],
    count: int,
    length: tuple[float, float],
    thick: int,
    curl: float = 0.0,
) -> Image:
    """Short bent strokes in layers, the deep ones dark, each layer over its own shadow."""
    starts = rng.uniform(-20, SIDE + 20, (count, 1, 2))
    angle = rng.uniform(0, 6.3, count)[:, None] + np.array([0.0, curl])
    half = 0.5 * rng.uniform(*length, count)[:, None, None]
    steps = half * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    lines = np.concatenate([starts, starts + np.cumsum(steps, axis=1)], axis=1).astype(np.int32)
    batches = np.array_split(lines, LAYERS * len(tones))
    for index, batch in enumerate(batches):
        depth = 0.4 + 0.65 * index / len(batches)
        tone = np.array(rgb(tones[index % len(tones)])) * depth
        cv2.polylines(canvas, list(batch + 2), False, tuple(tone * 0.35), thick)
        cv2.polylines(canvas, list(batch), False, tuple(tone), thick, cv2.LINE_AA)
    return canvas


def _needles(rng: np.random.Generator) -> Image:
    canvas = _strokes(
        _base("#2e2118"), rng, tones=NEEDLE_TONES, count=3600, length=(25, 60), thick=1, curl=0.15
    )
    return _strokes(canvas, rng, tones=("#4a3a2a", "#6a543c"), count=26, length=(50, 140), thick=4)


def _moss(rng: np.random.Generator) -> Image:
    deep = _strokes(
        _base("#2b381a"), rng, tones=MOSS_TONES, count=2500, length=(8, 20), thick=3, curl=0.9
    )
    return _strokes(deep, rng, tones=MOSS_BRIGHT, count=9000, length=(5, 13), thick=1, curl=0.9)


def _grass(rng: np.random.Generator) -> Image:
    return _strokes(
        _base("#26381a"), rng, tones=GRASS_TONES, count=3200, length=(35, 90), thick=2, curl=0.5
    )


def _soil(rng: np.random.Generator) -> Image:
    canvas = _base("#40301f")
    for index in range(4200):
        depth = 0.5 + 0.6 * index / 4200
        centre = rng.uniform(0, SIDE, 2).astype(np.int32)
        axes = np.maximum(rng.gamma(1.6, 2.2, 2), 1).astype(np.int32)
        tone = np.array(rgb(SOIL_TONES[rng.integers(len(SOIL_TONES))])) * depth
        angle = float(rng.uniform(0, 180))
        cv2.ellipse(
            canvas, (centre + 1).tolist(), axes.tolist(), angle, 0, 360, tuple(tone * 0.45), -1
        )
        cv2.ellipse(
            canvas, centre.tolist(), axes.tolist(), angle, 0, 360, tuple(tone), -1, cv2.LINE_AA
        )
    return _strokes(canvas, rng, tones=LEAF_TONES, count=160, length=(12, 50), thick=2, curl=0.2)


def _wood(rng: np.random.Generator) -> Image:
    streak = rng.normal(size=(SIDE, SIDE)).astype(np.float32)
    fine = cv2.GaussianBlur(streak, (0, 0), sigmaX=15, sigmaY=1.5)
    broad = cv2.GaussianBlur(streak, (0, 0), sigmaX=40, sigmaY=10)
    tone = 0.62 + 0.16 * fine / fine.std() + 0.10 * broad / broad.std()
    cracks = np.where(fine / fine.std() < -1.6, 0.35, 1.0)
    wood = np.array(rgb("#7a6246")) * (tone * cracks)[..., None]
    canvas = np.clip(wood, 0, 255).astype(np.uint8)
    for _ in range(260):
        x, y = rng.uniform(0, SIDE, 2)
        ends = [(int(x), int(y)), (int(x + rng.uniform(15, 90)), int(y + rng.normal(0, 2)))]
        cv2.line(canvas, ends[0], ends[1], rgb("#2c2118"), int(rng.integers(1, 4)), cv2.LINE_AA)
    tufts = _strokes(
        canvas.copy(), rng, tones=MOSS_TONES, count=3500, length=(6, 15), thick=2, curl=0.6
    )
    overgrown = resize(cloud(int(rng.integers(4)), 1.8), SIDE) > 0.60
    return blend(canvas, tufts, blur(overgrown.astype(np.float32), 3))
