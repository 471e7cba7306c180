"""Things on the ground that are no mushrooms: stones, sticks, cones."""

import numpy as np

from mycovigil_simulator.arrays import Array, Image
from mycovigil_simulator.colour import linear, mix, vary
from mycovigil_simulator.fungus.sheet import TURN, Frame, Sheet, Wobble, revolve, tilted
from mycovigil_simulator.fungus.skin import Skin, Surface
from mycovigil_simulator.scene.light import Light
from mycovigil_simulator.scene.splat import splat
from mycovigil_simulator.scene.view import View
from mycovigil_simulator.texture import VARIANTS, cells, cloud, sample

STONES = ("#8a8880", "#6f6a62", "#a39c8c", "#5a5a5c")
STICKS = ("#6a5238", "#4f3c2a", "#8a7350")
CONES = ("#6a4628", "#7d5836")


def scatter(
    canvas: Image, depths: Array, view: View, light: Light, rng: np.random.Generator
) -> str:
    """Draw up to nine things on the ground, in place; returns their names in words."""
    width = view.pixel * view.size
    makers = {"stones": _stone, "sticks": _stick, "pine cones": _cone}
    names = [name for name in makers if rng.uniform() < 0.45]
    things = []
    for name in names:
        for _ in range(int(rng.integers(1, 4))):
            at = np.array([*(rng.uniform(-0.38, 0.38, 2) * width), 0.0], np.float32)
            things.append(makers[name](at, width * rng.uniform(0.07, 0.2), view, rng))
    splat(canvas, depths, [thing for thing in things if thing.sheet.along.size], view, light, [])
    return " and ".join(names) or "the forest floor"


def _spindle(
    radius: Array, height: Array, frame: Frame, view: View, wobble: Wobble | None = None
) -> Sheet:
    return revolve(
        radius.astype(np.float32),
        height.astype(np.float32),
        eye=frame.to_local(view.eye),
        spacing=0.7 * view.pixel,
        wobble=wobble,
    )


def _grained(
    sheet: Sheet, frame: Frame, tones: tuple[str, ...], grain: float, rng: np.random.Generator
) -> Surface:
    """A surface of one colour with patches `grain` cm wide."""
    tone = vary(linear(tones[rng.integers(len(tones))]), rng, 0.15)
    variant = int(rng.integers(VARIANTS))

    def paint(seen: Sheet) -> Skin:
        x, y, z = seen.position / (8 * grain)
        patches = sample(cloud(variant, 0.9), x + 0.3 * z, y + z) - 0.5
        return Skin(tone * (1 + 0.85 * patches)[:, None])

    return Surface(sheet, frame, paint)


def _stone(at: Array, size: float, view: View, rng: np.random.Generator) -> Surface:
    s = np.linspace(0.001, 0.999, 30) * np.pi
    frame = Frame(tilted(rng.normal(0, 0.3), rng.normal(0, 0.3), rng.uniform(0, TURN)), at)
    wobble = Wobble(
        np.array([1, 2, 3, 4], np.float32),
        rng.uniform(0, TURN, 4).astype(np.float32),
        rng.normal(0, 0.09, 4).astype(np.float32),
        np.zeros(4, np.float32),
    )
    flat = size * rng.uniform(0.35, 0.7)
    sheet = _spindle(size * np.sin(s), flat * np.cos(s), frame, view, wobble)
    return _grained(sheet, frame, STONES, 0.3 * size, rng)


def _lying(at: Array, lift: float, slope: float, rng: np.random.Generator) -> Frame:
    """A frame whose axis lies on the ground in a random direction."""
    rotation = tilted(0, 0, rng.uniform(0, TURN)) @ tilted(slope, 0)
    return Frame(rotation.astype(np.float32), at + np.array([0, 0, lift], np.float32))


def _stick(at: Array, size: float, view: View, rng: np.random.Generator) -> Surface:
    t = np.linspace(0, 1, 20)
    thick = 0.11 * size * (1 - 0.4 * t) * (1 + 0.12 * np.sin(9 * t))
    frame = _lying(at, 0.1 * size, 1.5708, rng)
    sheet = _spindle(thick, size * 4.4 * (0.5 - t), frame, view)
    return _grained(sheet, frame, STICKS, 0.1 * size, rng)


def _cone(at: Array, size: float, view: View, rng: np.random.Generator) -> Surface:
    t = np.linspace(0.001, 0.999, 30)
    frame = _lying(at, 0.4 * size, 1.45, rng)
    sheet = _spindle(0.45 * size * np.sin(np.pi * t**0.75), size * (1 - 2 * t), frame, view)
    tone = vary(linear(CONES[rng.integers(len(CONES))]), rng, 0.12)
    _, border, value = cells(int(rng.integers(VARIANTS)), 100)

    def paint(seen: Sheet) -> Skin:
        u, v = seen.angle / TURN, seen.along * 0.9
        scale = np.clip(sample(border, u, v) * 2.2, 0, 1)
        pale = tone * (0.8 + 0.7 * sample(value, u, v))[:, None]
        return Skin(mix(tone * 0.2, pale, scale), open_sky=0.4 + 0.6 * scale)

    return Surface(sheet, frame, paint)
