"""The stem with its bulb and pattern."""

from functools import lru_cache, partial

import numpy as np

from mycovigil_simulator.arrays import Array
from mycovigil_simulator.colour import mix, smoothstep
from mycovigil_simulator.fungus.cap_profile import lower
from mycovigil_simulator.fungus.growth import Body
from mycovigil_simulator.fungus.sheet import TURN, Sheet, revolve
from mycovigil_simulator.fungus.skin import Skin, Surface
from mycovigil_simulator.texture import cells, cloud, sample, streaks
from mycovigil_simulator.traits import Form, Pattern

KNOTS = 40


def stem_surface(body: Body, eye: Array, spacing: float) -> Surface:
    """The stem from under the cap to just below the ground."""
    radius, height = stem_profile(body)
    sheet = revolve(radius, height, eye=body.place.to_local(eye), spacing=spacing, slack=0.1)
    return Surface(bent(body, sheet), body.place, partial(_paint, body))


def _paint(body: Body, sheet: Sheet) -> Skin:
    """Colour from top to base, pattern, earth at the foot, dusk under the cap."""
    level = sheet.position[2] / body.stem_length
    grain = sample(cloud(body.variant, 0.9), sheet.angle * (1 / TURN), level) - 0.5
    share = smoothstep(0.85, 0.05, level + 0.3 * grain)
    albedo = mix(body.stem_top, body.stem_base, share) * (1 + 0.35 * grain)[:, None]
    albedo = _patterned(body, sheet, albedo, level)
    earth = smoothstep(0.1, -0.02, level + 0.08 * grain)
    albedo *= (1 - 0.35 * earth)[:, None]
    near_cap = smoothstep(1.0, 0.72, level)
    return Skin(albedo, open_sky=(0.62 + 0.38 * near_cap) * (1 - 0.4 * earth))


@lru_cache(maxsize=32)
def stem_profile(body: Body) -> tuple[Array, Array]:
    """(radius, height) knots of the stem from top to bottom, cm."""
    stem = body.species.stem
    top = _top(body)
    t = np.linspace(0, 1, KNOTS)
    height = top + (-0.35 * body.stem_radius - top) * t
    swell = 1 + stem.taper * (t - 0.5) + stem.belly * np.sin(np.pi * t**0.8) * (1.1 - 0.4 * t)
    foot = stem.bulb * np.exp(-(((t - 0.93) / 0.085) ** 2))
    flare = (0.0 if body.species.hymenium.decurrent else 0.18) * np.exp(-((t / 0.05) ** 2))
    radius = np.append(body.stem_radius * (swell + foot + flare), 0.0)  # closed at the bottom
    height = np.append(height, height[-1] - 0.1 * body.stem_radius)
    return radius.astype(np.float32), height.astype(np.float32)


def _top(body: Body) -> float:
    """Where the stem meets the cap, cm above the base."""
    if body.species.cap.form is not Form.CAP:
        inside = -0.04 if body.species.cap.form is Form.BRAIN else 0.1
        return body.stem_length + inside * body.cap_radius
    _, height = lower(body)
    return body.stem_length + float(height[-1])


def bent(body: Body, sheet: Sheet) -> Sheet:
    """Points around a straight axis, shifted along the stem's curve."""
    share = np.clip(sheet.position[2] / body.stem_length, 0, 1.2) ** 1.7
    position = sheet.position.copy()
    position[0] += np.float32(body.bend[0]) * share
    position[1] += np.float32(body.bend[1]) * share
    return sheet.moved(position)


def _patterned(body: Body, sheet: Sheet, albedo: Array, level: Array) -> Array:
    """The pattern of the stem drawn over its colour."""
    pattern = body.species.stem.pattern
    turn = sheet.angle * (1 / TURN)
    tall = level * body.stem_length / (TURN * body.stem_radius)
    if pattern is Pattern.PLAIN:
        return albedo
    if pattern is Pattern.FIBRES:
        fibre = sample(streaks(body.variant), turn, tall * 0.12)
        return mix(albedo, body.stem_marks, 0.75 * smoothstep(0.5, 0.9, fibre))
    if pattern is Pattern.NET:
        _, border, _ = cells(body.variant, 100)
        net = smoothstep(0.34, 0.10, sample(border, 2 * turn, tall * 1.1))
        return mix(albedo, body.stem_marks, 0.75 * net * smoothstep(0.1, 0.55, level))
    warp = sample(cloud(body.variant), turn, tall) - 0.5
    if pattern is Pattern.SCALES:
        distance, _, _ = cells(body.variant, 64)
        scale = smoothstep(0.42, 0.2, sample(distance, turn, tall * 0.8) + 0.4 * warp)
        return mix(albedo, body.stem_marks, 0.8 * scale * smoothstep(0.82, 0.6, level))
    waves = np.sin(level * body.stem_length / body.stem_radius * 3.4 + 16 * warp)
    if pattern is Pattern.SNAKE:
        return mix(albedo, body.stem_marks, 0.75 * smoothstep(-0.1, 0.5, waves))
    low = smoothstep(0.5, 0.2, level)
    return mix(albedo, body.stem_marks, 0.85 * low * smoothstep(0.1, 0.6, waves))
