"""What the veils left: a ring on the stem, a volva at its base."""

from functools import partial

import numpy as np

from mycovigil_simulator.arrays import Array
from mycovigil_simulator.colour import linear
from mycovigil_simulator.fungus.growth import Body
from mycovigil_simulator.fungus.sheet import TURN, Sheet, revolve
from mycovigil_simulator.fungus.skin import Skin, Surface
from mycovigil_simulator.fungus.stem import bent, stem_profile
from mycovigil_simulator.texture import cloud, sample
from mycovigil_simulator.traits import Ring, Volva

YOUNGEST = 0.12  # younger caps are still closed: no ring shows


def ring_surface(body: Body, eye: Array, spacing: float) -> Surface | None:
    """The skirt or the zone that the partial veil left, or None."""
    if body.species.veil.ring is Ring.NONE or body.age < YOUNGEST:
        return None
    wide, low = _ring_profile(body)
    sheet = revolve(
        wide.astype(np.float32),
        low.astype(np.float32),
        eye=body.place.to_local(eye),
        spacing=spacing,
        wobble=body.wobble,
        both_sides=True,
    )
    return Surface(bent(body, sheet), body.place, partial(_paint_ring, body))


def _ring_profile(body: Body) -> tuple[Array, Array]:
    radius, height = stem_profile(body)
    at = float(height[0]) - (0.16 + 0.06 * body.shift[0]) * body.stem_length
    thick = float(np.interp(-at, -height, radius))
    s = np.linspace(0, 1, 14)
    if body.species.veil.ring is Ring.ZONE:
        return thick * (1.05 + 0.16 * np.sin(np.pi * s)), at - 0.035 * body.stem_length * s
    drop = 0.10 * body.stem_length * (0.7 + 0.6 * body.shift[1])
    wide = thick * (1.02 + 0.85 * s**0.8) + 0.05 * body.cap_radius * s
    return wide, at - drop * s**1.4


def _paint_ring(body: Body, sheet: Sheet) -> Skin:
    pleat = 0.5 + 0.5 * np.sin(sheet.angle * 26 + 4 * sheet.along)
    albedo = _toned(body, body.species.veil.ring_colour) * (0.78 + 0.22 * pleat)[:, None]
    return Skin(albedo, open_sky=0.75)


def volva_surface(body: Body, eye: Array, spacing: float) -> Surface | None:
    """The sac or the collar at the base, or None."""
    if body.species.veil.volva is Volva.NONE:
        return None
    wide, low = _volva_profile(body)
    sheet = revolve(
        wide.astype(np.float32),
        low.astype(np.float32),
        eye=body.place.to_local(eye),
        spacing=spacing,
        wobble=body.wobble,
        outer=0.0,
        both_sides=True,
    )
    if body.species.veil.volva is Volva.SAC:
        ragged = sample(cloud(body.variant), sheet.angle * (2 / TURN), 0 * sheet.along) - 0.5
        sheet = sheet.take(np.flatnonzero(sheet.along > 0.15 + 0.9 * ragged).astype(np.int32))
    return Surface(sheet, body.place, partial(_paint_volva, body))


def _volva_profile(body: Body) -> tuple[Array, Array]:
    s = np.linspace(0, 1, 18)
    swollen = body.stem_radius * (1 + body.species.stem.bulb)
    if body.species.veil.volva is Volva.COLLAR:
        wide = swollen * (1.04 + 0.16 * np.abs(np.sin(2.5 * np.pi * s)))
        return wide, 0.17 * body.stem_length * (1 - s)
    top = 0.26 * body.stem_length * (0.8 + 0.4 * body.shift[0])
    wide = swollen * (1.5 - 0.25 * s) * (0.95 + 0.25 * np.sin(np.pi * s))
    return wide, top * (1 - s) - 0.2 * body.stem_radius


def _paint_volva(body: Body, sheet: Sheet) -> Skin:
    grain = sample(cloud(body.variant, 0.9), sheet.angle * (1 / TURN), sheet.along * 0.3) - 0.5
    tone = _toned(body, body.species.veil.volva_colour)
    albedo = tone * (1 + 0.5 * grain - 0.25 * sheet.along)[:, None]
    return Skin(albedo, open_sky=0.85 - 0.35 * sheet.along)


def _toned(body: Body, code: str) -> Array:
    """A veil's colour, as bright as this individual's stem is for its species."""
    usual = float(linear(body.species.stem.colours[0]).mean())
    tone = np.clip(float(body.stem_top.mean()) / max(usual, 1e-3), 0.7, 1.25)
    return np.asarray(np.clip(linear(code) * tone, 0, 1), np.float32)
