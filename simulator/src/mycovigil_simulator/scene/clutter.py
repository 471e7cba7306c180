"""Things on the ground that are no mushrooms: stones, sticks, cones."""

import numpy as np
from numpy.typing import NDArray

from mycovigil_simulator.colour import Image, linear, mix, vary
from mycovigil_simulator.fungus.sheet import Frame, Sheet, Wobble, revolve, tilted
from mycovigil_simulator.fungus.skin import Skin, skin
from mycovigil_simulator.scene.light import Light
from mycovigil_simulator.scene.splat import splat
from mycovigil_simulator.scene.view import View
from mycovigil_simulator.texture import cells, cloud, sample

Array = NDArray[np.float32]
STONES = ("#8a8880", "#6f6a62", "#a39c8c", "#5a5a5c")
STICKS = ("#6a5238", "#4f3c2a", "#8a7350")
CONES = ("#6a4628", "#7d5836")


def scatter(canvas: Image, view: View, light: Light, rng: np.random.Generator) -> str:
    """Draw up to six things on the ground, in place; returns their names in words."""
    width = view.pixel * view.size
    makers = {"stones": _stone, "sticks": _stick, "pine cones": _cone}
    names = [name for name in makers if rng.uniform() < 0.45]
    skins = []
    depths = np.full((view.size, view.size), np.inf, np.float32)
    for name in names:
        for _ in range(int(rng.integers(1, 4))):
            at = np.array([*(rng.uniform(-0.38, 0.38, 2) * width), 0.0], np.float32)
            skins.append(makers[name](at, width * rng.uniform(0.07, 0.2), view, rng))
    skins = [part for part in skins if part.albedo.size]
    if skins:
        splat(canvas, depths, skins, view, light, [])
    return " and ".join(names) or "the forest floor"


def _spindle(
    radius: Array, height: Array, frame: Frame, view: View, wobble: Wobble | None = None
) -> Sheet:
    return revolve(
        radius.astype(np.float32), height.astype(np.float32), eye=frame.to_local(view.eye),
        spacing=0.6 * view.pixel, wobble=wobble,
    )


def _stone(at: Array, size: float, view: View, rng: np.random.Generator) -> Skin:
    s = np.linspace(0.001, 0.999, 30) * np.pi
    frame = Frame(tilted(*rng.normal(0, 0.3, 2), rng.uniform(0, 6.28)), at)
    waves = np.array([1, 2, 3, 4], np.float32)
    wobble = Wobble(waves, rng.uniform(0, 6.3, 4).astype(np.float32),
                    rng.normal(0, 0.09, 4).astype(np.float32), np.zeros(4, np.float32))
    sheet = _spindle(size * np.sin(s), size * rng.uniform(0.35, 0.7) * np.cos(s), frame, view, wobble)
    grain = sample(cloud(int(rng.integers(4)), 0.9), sheet.angle / 6.2832, sheet.along) - 0.5
    tone = vary(linear(STONES[rng.integers(len(STONES))]), rng, 0.15)
    return skin(sheet, frame, tone * (1 + 0.8 * grain)[:, None])


def _stick(at: Array, size: float, view: View, rng: np.random.Generator) -> Skin:
    t = np.linspace(0, 1, 20)
    thick = 0.11 * size * (1 - 0.4 * t) * (1 + 0.12 * np.sin(9 * t))
    flat = tilted(0, 0, rng.uniform(0, 6.28)) @ tilted(1.5708, 0)
    lifted = at + np.array([0, 0, 0.1 * size], np.float32)
    frame = Frame(flat.astype(np.float32), lifted)
    sheet = _spindle(thick, size * 2.2 * (0.5 - t) * 2, frame, view)
    grain = sample(cloud(int(rng.integers(4)), 0.9), sheet.angle / 6.28, sheet.along * 3) - 0.5
    tone = vary(linear(STICKS[rng.integers(len(STICKS))]), rng, 0.15)
    return skin(sheet, frame, tone * (1 + 0.9 * grain)[:, None])


def _cone(at: Array, size: float, view: View, rng: np.random.Generator) -> Skin:
    t = np.linspace(0.001, 0.999, 30)
    flat = tilted(0, 0, rng.uniform(0, 6.28)) @ tilted(1.45, 0)
    frame = Frame(flat.astype(np.float32), at + np.array([0, 0, 0.4 * size], np.float32))
    sheet = _spindle(0.45 * size * np.sin(np.pi * t**0.75), size * (1 - 2 * t), frame, view)
    _, border, value = cells(int(rng.integers(4)), 100)
    u, v = sheet.angle / 6.2832, sheet.along * 0.9
    gap = sample(border, u, v)
    tone = vary(linear(CONES[rng.integers(len(CONES))]), rng, 0.12)
    pale = tone * (0.8 + 0.7 * sample(value, u, v))[:, None]
    scale = np.clip(gap * 2.2, 0, 1)
    return skin(sheet, frame, mix(tone * 0.2, pale, scale), open_sky=0.4 + 0.6 * scale)
