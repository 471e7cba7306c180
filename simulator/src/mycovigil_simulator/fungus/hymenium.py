"""Gills, pores or ridges under the cap."""

from functools import partial

import numpy as np

from mycovigil_simulator.arrays import Array
from mycovigil_simulator.colour import smoothstep
from mycovigil_simulator.fungus.cap_profile import lower
from mycovigil_simulator.fungus.growth import Body
from mycovigil_simulator.fungus.sheet import Sheet, revolve
from mycovigil_simulator.fungus.skin import Skin, Surface
from mycovigil_simulator.texture import cells, cloud, sample
from mycovigil_simulator.traits import Fertile


def hymenium_surface(body: Body, eye: Array, spacing: float) -> Surface:
    """The underside of the cap as the eye sees it."""
    frame = body.head.inside(body.place)
    radius, height = lower(body)
    sheet = revolve(
        radius,
        height,
        eye=frame.to_local(eye),
        spacing=spacing,
        wobble=body.wobble,
        outer=0.0,
        slack=0.1,
    )
    return Surface(sheet, frame, partial(_paint, body))


def _paint(body: Body, sheet: Sheet) -> Skin:
    """Gills, pores or ridges; the sun reaches only their outer edge."""
    groove = _groove(body, sheet)
    grain = sample(cloud(body.variant), sheet.position[0] * 0.2, sheet.position[1] * 0.2) - 0.5
    albedo = body.under * (1 + 0.2 * grain)[:, None] * groove[:, None]
    inward = 1 - 0.35 * sheet.along
    return Skin(albedo, open_sky=0.95 * inward, open_sun=0.3 + 0.55 * (1 - sheet.along))


def _groove(body: Body, sheet: Sheet) -> Array:
    """Brightness between 0.4 (deep) and 1 (edge) of the fertile surface's relief."""
    hymenium = body.species.hymenium
    if hymenium.kind is Fertile.PORES:
        scale = 1.0 / body.cap_radius
        distance, _, _ = cells(body.variant, 144)
        hole = sample(distance, sheet.position[0] * scale, sheet.position[1] * scale)
        return 0.62 + 0.38 * smoothstep(0.15, 0.5, hole)
    wander = 1.6 if hymenium.kind is Fertile.RIDGES else 0.3
    drift = sample(cloud(body.variant), sheet.angle * (1 / 6.2832), sheet.along * 0.5) - 0.5
    phase = sheet.angle * hymenium.count + wander * 3 * drift
    main = 0.5 + 0.5 * np.cos(phase)
    short = 0.5 + 0.5 * np.cos(2 * phase)
    outer = smoothstep(0.55, 0.2, sheet.along)
    edge = np.maximum(main, short * outer)
    floor = 0.66 if hymenium.kind is Fertile.RIDGES else 0.42
    return np.asarray(floor + (1 - floor) * edge, np.float32)
