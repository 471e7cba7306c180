"""All surfaces of one fruit body."""

import numpy as np

from mycovigil_simulator.arrays import Array
from mycovigil_simulator.fungus.cap import cap_surfaces
from mycovigil_simulator.fungus.growth import Body
from mycovigil_simulator.fungus.hymenium import hymenium_surface
from mycovigil_simulator.fungus.skin import Surface
from mycovigil_simulator.fungus.stem import stem_surface
from mycovigil_simulator.fungus.veil import ring_surface, volva_surface
from mycovigil_simulator.scene.light import Shade
from mycovigil_simulator.traits import Form


def surfaces(body: Body, eye: Array, sun: Array, spacing: float) -> list[Surface]:
    """What of one body may be seen from `eye`, in no order; `spacing` is between points, cm."""
    parts: list[Surface | None] = [
        *cap_surfaces(body, eye, sun, spacing),
        stem_surface(body, eye, spacing),
        ring_surface(body, eye, spacing),
        volva_surface(body, eye, spacing),
    ]
    if body.species.cap.form is Form.CAP:
        parts.append(hymenium_surface(body, eye, spacing))
    return [part for part in parts if part is not None and part.sheet.along.size]


def shade_of(body: Body) -> Shade:
    """The disc of the body's cap, in the plane of its rim."""
    frame = body.head.inside(body.place)
    return Shade(frame.origin, body.cap_radius)


def ends(body: Body) -> Array:
    """The middle of the cap and the foot, world points (3, 2)."""
    return np.stack([body.head.inside(body.place).origin, body.place.origin], axis=1)
