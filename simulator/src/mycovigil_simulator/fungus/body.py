"""All painted surfaces of one fruit body."""

import numpy as np
from numpy.typing import NDArray

from mycovigil_simulator.fungus.cap import paint_cap
from mycovigil_simulator.fungus.growth import Body
from mycovigil_simulator.fungus.hymenium import paint_hymenium
from mycovigil_simulator.fungus.skin import Skin
from mycovigil_simulator.fungus.stem import paint_ring, paint_stem, paint_volva
from mycovigil_simulator.scene.light import Shade
from mycovigil_simulator.traits import Form

Array = NDArray[np.float32]


def paint_body(body: Body, eye: Array, sun: Array, spacing: float) -> list[Skin]:
    """The skins of one body that the eye sees, in no order."""
    skins: list[Skin | None] = [
        paint_cap(body, eye, sun, spacing),
        paint_stem(body, eye, spacing),
        paint_ring(body, eye, spacing),
        paint_volva(body, eye, spacing),
    ]
    if body.species.cap.form is Form.CAP:
        skins.append(paint_hymenium(body, eye, spacing))
    return [skin for skin in skins if skin is not None and skin.albedo.size]


def shade_of(body: Body) -> Shade:
    """The disc of the body's cap, a little below its rim's plane."""
    frame = body.head.inside(body.place)
    return Shade(frame.origin, body.cap_radius)
