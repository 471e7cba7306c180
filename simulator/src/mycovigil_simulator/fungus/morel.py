"""Heads without a free rim: the morel's honeycomb and the false morel's brain."""

import numpy as np

from mycovigil_simulator.arrays import Array
from mycovigil_simulator.colour import mix, smoothstep
from mycovigil_simulator.fungus.growth import Body
from mycovigil_simulator.fungus.sheet import TURN, Sheet
from mycovigil_simulator.fungus.skin import Skin
from mycovigil_simulator.texture import cells, cloud, folds, sample


def pitted(body: Body, sheet: Sheet) -> Sheet:
    """The smooth head with its pits pressed in."""
    ridge, _ = _ridge(body, sheet)
    deep = (0.1 if _wrinkled(body) else 0.2) * body.cap_radius
    return sheet.moved(sheet.position - sheet.normal * (deep * (1 - ridge)))


def paint_honeycomb(body: Body, sheet: Sheet) -> Skin:
    """Pale ridges around dark pits."""
    ridge, value = _ridge(body, sheet)
    u, v = _chart(body, sheet)
    grain = sample(cloud(body.variant, 0.7), u * 3, v * 3) - 0.5
    pit = body.cap_centre * (0.45 + 0.35 * value)[:, None]
    albedo = mix(pit, body.cap_margin, ridge) * (1 + 0.4 * grain)[:, None]
    return Skin(albedo, open_sky=0.45 + 0.55 * ridge, open_sun=0.35 + 0.65 * ridge)


def _wrinkled(body: Body) -> bool:
    """A low head has the long wrinkles of a Verpa instead of pits."""
    return body.species.cap.tall < 1.2


def _chart(body: Body, sheet: Sheet) -> tuple[Array, Array]:
    """Texture coordinates around and down the head."""
    rows = 0.16 if _wrinkled(body) else 0.72
    return body.shift[0] + sheet.angle / TURN, body.shift[1] + rows * sheet.along


def _ridge(body: Body, sheet: Sheet) -> tuple[Array, Array]:
    """1 on a ridge, 0 in a pit, and a random value for each pit."""
    u, v = _chart(body, sheet)
    warp = 0.05 * (sample(cloud(body.variant), u * 2, v * 2) - 0.5)
    _, border, value = cells(body.variant, 100)
    gap = sample(border, u + warp, v + warp)
    return smoothstep(0.46, 0.1, gap), sample(value, u, v)


def folded(body: Body, sheet: Sheet) -> Sheet:
    """The smooth head blown into lobes, with its folds pressed in."""
    ridge, _ = _fold(body, sheet)
    lobes = sample(cloud(body.variant, 2.2), *_brain_chart(body, sheet)) - 0.5
    push = body.cap_radius * (0.95 * np.maximum(lobes, -0.12) - 0.16 * (1 - ridge))
    push *= smoothstep(1.0, 0.7, sheet.along)  # the head stays closed around the stem
    return sheet.moved(sheet.position + sheet.normal * push)


def paint_brain(body: Body, sheet: Sheet) -> Skin:
    """Lobes with dark creases."""
    ridge, slope = _fold(body, sheet)
    albedo = mix(body.cap_centre * 0.4, body.cap_margin, ridge)
    around = np.stack([-np.sin(sheet.angle), np.cos(sheet.angle), np.zeros_like(slope)])
    return Skin(
        albedo,
        open_sky=0.3 + 0.7 * ridge,
        open_sun=0.25 + 0.75 * ridge,
        gloss=body.species.cap.gloss,
        relief=around * (-3.0 * slope),
    )


def hollow(body: Body, sheet: Sheet) -> Sheet:
    """The smooth head shrunk below its folds: what is seen where lobes part."""
    return sheet.moved(sheet.position - sheet.normal * np.float32(0.24 * body.cap_radius))


def paint_hollow(body: Body, sheet: Sheet) -> Skin:
    """The dark between the lobes."""
    return Skin(np.tile(body.cap_centre * np.float32(0.3), (sheet.along.size, 1)), 0.3, 0.1)


def _brain_chart(body: Body, sheet: Sheet) -> tuple[Array, Array]:
    return body.shift[0] + sheet.angle / TURN, body.shift[1] + 0.42 * sheet.along


def _fold(body: Body, sheet: Sheet) -> tuple[Array, Array]:
    """1 on a lobe, 0 in a crease, and the slope of the relief around the axis."""
    u, v = _brain_chart(body, sheet)
    warp = 0.06 * (sample(cloud(body.variant), u, v * 2) - 0.5)
    relief = folds(body.variant)
    fold = sample(relief, u + warp, v - warp)
    slope = sample(relief, u + warp + 0.01, v - warp) - fold
    return smoothstep(0.0, 0.75, fold), slope
