"""The skin of the cap: colour from centre to margin, and its relief."""

from functools import partial

import numpy as np

from mycovigil_simulator.arrays import Array
from mycovigil_simulator.colour import mix, smoothstep
from mycovigil_simulator.fungus.cap_profile import upper
from mycovigil_simulator.fungus.growth import Body
from mycovigil_simulator.fungus.morel import (
    folded,
    hollow,
    paint_brain,
    paint_hollow,
    paint_honeycomb,
    pitted,
)
from mycovigil_simulator.fungus.sheet import Sheet, revolve
from mycovigil_simulator.fungus.skin import Skin as Painted
from mycovigil_simulator.fungus.skin import Surface
from mycovigil_simulator.texture import cells, cloud, sample, streaks
from mycovigil_simulator.traits import Form, Skin


def cap_surfaces(body: Body, eye: Array, sun: Array, spacing: float) -> list[Surface]:
    """The upper side of the cap as the eye sees it. `sun` is the world direction of the light."""
    frame = body.head.inside(body.place)
    form = body.species.cap.form
    displaced = form in {Form.HONEYCOMB, Form.BRAIN}
    radius, height = upper(body)
    sheet = revolve(
        radius,
        height,
        eye=frame.to_local(eye),
        spacing=spacing * (0.68 if displaced else 1.0),
        wobble=body.wobble,
        slack=0.35 if displaced else 0.0,
    )
    if form is Form.HONEYCOMB:
        return [Surface(pitted(body, sheet), frame, partial(paint_honeycomb, body))]
    if form is Form.BRAIN:
        core = Surface(hollow(body, sheet), frame, partial(paint_hollow, body))
        return [core, Surface(folded(body, sheet), frame, partial(paint_brain, body))]
    return [Surface(sheet, frame, partial(_paint, body, frame.rotation.T @ sun))]


def _paint(body: Body, sun: Array, sheet: Sheet) -> Painted:
    """The smooth or marked skin of a cap; `sun` in the cap's own axes."""
    cap = body.species.cap
    across, down = _flattened(body, sheet)
    patch = sample(cloud(body.variant), across * 0.45, down * 0.45) - 0.5
    grain = sample(cloud(body.variant, 0.7), across * 1.3, down * 1.3) - 0.5
    share = smoothstep(*cap.blend, sheet.along + 0.25 * patch)
    albedo = mix(body.cap_centre, body.cap_margin, share)
    albedo *= (1 + 0.42 * patch + 0.25 * grain)[:, None]
    relief = np.stack([patch, grain, np.zeros_like(grain)]) * 0.12
    if cap.striate > 0:
        lines = np.sin(sheet.angle * 44 + 3 * patch)
        streak = smoothstep(0.62, 0.95, sheet.along) * smoothstep(-0.2, 0.9, lines)
        albedo *= (1 - 0.3 * cap.striate * streak)[:, None]
    albedo, emboss = _marked(body, sheet, albedo, (across, down), sun)
    albedo *= (1 + emboss)[:, None]
    return Painted(albedo, gloss=cap.gloss, relief=relief)


def _flattened(body: Body, sheet: Sheet) -> tuple[Array, Array]:
    """The cap spread out flat: centre (shift), margin one unit away."""
    return (
        body.shift[0] + sheet.along * np.cos(sheet.angle),
        body.shift[1] + sheet.along * np.sin(sheet.angle),
    )


def _marked(
    body: Body, sheet: Sheet, albedo: Array, flat: tuple[Array, Array], sun: Array
) -> tuple[Array, Array]:
    """Albedo with the skin's marks, and the light and dark edges of their relief, (n,)."""
    kind = body.species.cap.skin
    none = np.zeros_like(sheet.along)
    if kind is Skin.SMOOTH:
        return albedo, none
    if kind is Skin.FIBROUS:
        fibre = sample(streaks(body.variant), sheet.angle * (3 / 6.2832), sheet.along * 0.4)
        strength = 1.5 * body.species.cap.coverage * smoothstep(0.02, 0.3, sheet.along)
        return mix(albedo, body.marks, smoothstep(0.5, 0.95, fibre) * strength), none
    height = _raised(body, flat, sheet.along)
    step = 0.02 * body.species.cap.mark_size
    shifted = _raised(body, (flat[0] + step * sun[0], flat[1] + step * sun[1]), sheet.along)
    depth = {Skin.WARTY: 0.42, Skin.SCALY: 0.35, Skin.CRACKED: 0.12, Skin.SPINY: 0.3}[kind]
    return mix(albedo, body.marks, height), depth * (height - shifted)


def _raised(body: Body, flat: tuple[Array, Array], along: Array) -> Array:
    """How much of a mark covers each point, 0 to 1."""
    cap = body.species.cap
    fray = sample(cloud(body.variant, 0.9), flat[0] * 1.1, flat[1] * 1.1) - 0.5
    if cap.skin is Skin.CRACKED:
        scale = 0.85 / cap.mark_size
        _, border, _ = cells(body.variant, 64)
        gap = sample(border, flat[0] * scale, flat[1] * scale)
        return smoothstep(0.30, 0.12, gap + 0.35 * fray) * smoothstep(0.0, 0.3, along)
    scale = {Skin.WARTY: 0.78, Skin.SCALY: 0.95, Skin.SPINY: 2.2}[cap.skin] / cap.mark_size
    distance, _, value = cells(body.variant, 48)
    reach = sample(distance, flat[0] * scale, flat[1] * scale)
    chosen = sample(value, flat[0] * scale, flat[1] * scale)
    size = cap.coverage * body.marked * (0.25 + 0.95 * chosen)
    if cap.skin is Skin.SCALY:
        size = size * (1.5 - 0.85 * along) * 0.75
    rough = 0.7 if cap.skin is Skin.SCALY else 0.3
    return smoothstep(0.03, -0.09, reach + rough * fray - size)
