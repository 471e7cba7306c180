"""The stem with its bulb and pattern, and what the veils left on it."""

import numpy as np
from numpy.typing import NDArray

from mycovigil_simulator.colour import linear, mix, smoothstep
from mycovigil_simulator.fungus.growth import Body
from mycovigil_simulator.fungus.profile import lower
from mycovigil_simulator.fungus.sheet import Sheet, revolve
from mycovigil_simulator.fungus.skin import Skin, skin
from mycovigil_simulator.texture import cells, cloud, sample, streaks
from mycovigil_simulator.traits import Form, Pattern, Ring, Volva

Array = NDArray[np.float32]
KNOTS = 40


def paint_stem(body: Body, eye: Array, spacing: float) -> Skin:
    """The stem from under the cap to just below the ground."""
    radius, height = stem_profile(body)
    sheet = revolve(radius, height, eye=body.place.to_local(eye), spacing=spacing)
    level = sheet.position[2] / body.stem_length
    bent = _bend(body, sheet, level)
    grain = sample(cloud(body.variant, 0.9), sheet.angle * (1 / 6.2832), level) - 0.5
    share = smoothstep(0.85, 0.05, level + 0.3 * grain)
    albedo = mix(body.stem_top, body.stem_base, share) * (1 + 0.35 * grain)[:, None]
    albedo = _patterned(body, sheet, albedo, level)
    earth = smoothstep(0.1, -0.02, level + 0.08 * grain)
    albedo *= (1 - 0.35 * earth)[:, None]
    near_cap = smoothstep(1.0, 0.72, level)
    open_sky = (0.5 + 0.5 * near_cap) * (1 - 0.4 * earth)
    return skin(bent, body.place, albedo, open_sky=open_sky)


def stem_profile(body: Body) -> tuple[Array, Array]:
    """(radius, height) knots of the stem from top to bottom, cm."""
    stem = body.species.stem
    top = _top(body)
    t = np.linspace(0, 1, KNOTS)
    height = top + (-0.35 * body.stem_radius - top) * t
    swell = 1 + stem.taper * (t - 0.5) + stem.belly * np.sin(np.pi * t**0.8) * (1.1 - 0.4 * t)
    foot = stem.bulb * np.exp(-(((t - 0.93) / 0.085) ** 2))
    flare = 0.18 * np.exp(-((t / 0.05) ** 2))
    return (
        (body.stem_radius * (swell + foot + flare)).astype(np.float32),
        height.astype(np.float32),
    )


def _top(body: Body) -> float:
    """Where the stem meets the cap, cm above the base."""
    if body.species.cap.form is not Form.CAP:
        return body.stem_length + 0.1 * body.cap_radius
    _, height = lower(body)
    return body.stem_length + float(height[-1])


def _bend(body: Body, sheet: Sheet, level: Array) -> Sheet:
    """Shift the points along the stem's curved axis."""
    share = np.clip(level, 0, 1.2) ** 1.7
    position = sheet.position.copy()
    position[0] += body.bend[0] * share
    position[1] += body.bend[1] * share
    return Sheet(sheet.along, sheet.angle, position, sheet.normal)


def _patterned(body: Body, sheet: Sheet, albedo: Array, level: Array) -> Array:
    """The pattern of the stem drawn over its colour."""
    pattern = body.species.stem.pattern
    turn = sheet.angle * (1 / 6.2832)
    tall = level * body.stem_length / (6.2832 * body.stem_radius)
    if pattern is Pattern.PLAIN:
        return albedo
    if pattern is Pattern.FIBRES:
        fibre = sample(streaks(body.variant), turn, tall * 0.12)
        return mix(albedo, body.stem_marks, 0.75 * smoothstep(0.5, 0.9, fibre))
    if pattern is Pattern.NET:
        _, border, _ = cells(body.variant, 100)
        net = smoothstep(0.28, 0.08, sample(border, turn, tall * 0.5))
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


def paint_ring(body: Body, eye: Array, spacing: float) -> Skin | None:
    """The skirt or the zone that the partial veil left, or None."""
    veil = body.species.veil
    if veil.ring is Ring.NONE or body.age < 0.12:
        return None
    radius, height = stem_profile(body)
    at = float(height[0]) - (0.16 + 0.06 * body.shift[0]) * body.stem_length
    thick = float(np.interp(-at, -height, radius))
    s = np.linspace(0, 1, 14)
    if veil.ring is Ring.SKIRT:
        drop = 0.10 * body.stem_length * (0.7 + 0.6 * body.shift[1])
        wide = thick * (1.02 + 0.85 * s**0.8) + 0.05 * body.cap_radius * s
        low = at - drop * s**1.4
    else:
        wide = thick * (1.05 + 0.16 * np.sin(np.pi * s))
        low = at - 0.035 * body.stem_length * s
    sheet = revolve(
        wide.astype(np.float32),
        low.astype(np.float32),
        eye=body.place.to_local(eye),
        spacing=spacing,
        wobble=body.wobble,
        keep=-1,
    )
    pleat = 0.5 + 0.5 * np.sin(sheet.angle * 26 + 4 * sheet.along)
    albedo = body_colour(body, veil.ring_colour) * (0.78 + 0.22 * pleat)[:, None]
    return skin(
        _bend(body, sheet, sheet.position[2] / body.stem_length), body.place, albedo, open_sky=0.75
    )


def paint_volva(body: Body, eye: Array, spacing: float) -> Skin | None:
    """The sac or the collar at the base, or None."""
    veil = body.species.veil
    if veil.volva is Volva.NONE:
        return None
    s = np.linspace(0, 1, 18)
    swollen = body.stem_radius * (1 + body.species.stem.bulb)
    if veil.volva is Volva.SAC:
        top = 0.26 * body.stem_length * (0.8 + 0.4 * body.shift[0])
        wide = swollen * (1.5 - 0.25 * s) * (0.95 + 0.25 * np.sin(np.pi * s))
        low = top * (1 - s) - 0.2 * body.stem_radius
    else:
        top = 0.17 * body.stem_length
        wide = swollen * (1.04 + 0.16 * np.abs(np.sin(2.5 * np.pi * s)))
        low = top * (1 - s)
    sheet = revolve(
        wide.astype(np.float32),
        low.astype(np.float32),
        eye=body.place.to_local(eye),
        spacing=spacing,
        wobble=body.wobble,
        outer=0.0,
        keep=-1,
    )
    ragged = sample(cloud(body.variant), sheet.angle * (2 / 6.2832), 0 * sheet.along) - 0.5
    kept = np.flatnonzero(sheet.along > 0.15 + 0.9 * ragged)
    if veil.volva is Volva.COLLAR:
        kept = np.arange(sheet.along.size)
    sheet = Sheet(
        sheet.along[kept], sheet.angle[kept], sheet.position[:, kept], sheet.normal[:, kept]
    )
    grain = sample(cloud(body.variant, 0.9), sheet.angle * (1 / 6.2832), sheet.along * 0.3) - 0.5
    albedo = body_colour(body, veil.volva_colour) * (1 + 0.5 * grain - 0.25 * sheet.along)[:, None]
    return skin(sheet, body.place, albedo, open_sky=0.85 - 0.35 * sheet.along)


def body_colour(body: Body, code: str) -> Array:
    """A veil's colour, in the tone that this individual's stem has."""


    tone = float(body.stem_top.mean() / max(linear(body.species.stem.colours[0]).mean(), 1e-3))
    return np.clip(linear(code) * np.clip(tone, 0.7, 1.25), 0, 1).astype(np.float32)
