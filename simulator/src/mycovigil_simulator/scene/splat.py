"""Painting surfaces onto a canvas: project points, keep the nearest, shade only what is seen."""

import cv2
import numpy as np

from mycovigil_simulator.arrays import Array, Image, Index
from mycovigil_simulator.colour import encode
from mycovigil_simulator.fungus.sheet import Sheet
from mycovigil_simulator.fungus.skin import Surface
from mycovigil_simulator.scene.light import Light, Shade, reflect, sunlit
from mycovigil_simulator.scene.view import View

BURIED = -0.05  # cm: what lies deeper is under the ground


def splat(
    canvas: Image,
    depths: Array,
    surfaces: list[Surface],
    view: View,
    light: Light,
    shades: list[Shade],
) -> None:
    """Draw the surfaces into `canvas` and `depths` (size, size), in place."""
    if not surfaces:
        return
    placed = [_places(surface, view) for surface in surfaces]
    place, depth = (np.concatenate(parts) for parts in zip(*placed, strict=True))
    starts = np.cumsum([0] + [surface.sheet.along.size for surface in surfaces])
    owner = _nearest(place, depth, view.size)
    drawn = np.flatnonzero(owner >= 0)
    winners = owner[drawn]
    colours = np.empty((len(winners), 3), np.uint8)
    for surface, start, end in zip(surfaces, starts[:-1], starts[1:], strict=True):
        chosen = np.flatnonzero((winners >= start) & (winners < end))
        if chosen.size:
            seen = surface.sheet.take((winners[chosen] - start).astype(np.int32))
            colours[chosen] = _shaded(surface, seen, view, light, shades)
    canvas.reshape(-1, 3)[drawn] = colours
    depths.reshape(-1)[drawn] = depth[winners]
    _mend(canvas, depths, view)


def _places(surface: Surface, view: View) -> tuple[Index, Array]:
    """Pixel index of each point, or size * size where it is outside or buried, and its depth."""
    columns, rows, depth, level = view.project_from(surface.frame, surface.sheet.position)
    column, row = (columns + 0.5).astype(np.int32), (rows + 0.5).astype(np.int32)
    limit = np.uint32(view.size)
    inside = (column.view(np.uint32) < limit) & (row.view(np.uint32) < limit)
    inside &= level > BURIED
    outside = np.int32(view.size * view.size)
    return np.where(inside, row * np.int32(view.size) + column, outside), depth


def _nearest(place: Index, depth: Array, size: int) -> Index:
    """For each pixel the index of its nearest point, or -1."""
    near, far = float(depth.min()), float(depth.max())
    key = ((far - depth) * (65535 / (far - near + 1e-6))).astype(np.uint16)
    order = np.argsort(key, kind="stable").astype(np.int32)  # radix sort, far to near
    owner = np.full(size * size + 1, -1, np.int32)
    owner[place[order]] = order  # the last write, the nearest point, stays
    return owner[:-1]


def _shaded(surface: Surface, seen: Sheet, view: View, light: Light, shades: list[Shade]) -> Image:
    """sRGB (n, 3) of the points of a surface that are seen."""
    skin = surface.paint(seen)
    position = surface.frame.to_world(seen.position)
    toward = view.eye[:, None] - position
    toward /= np.sqrt(np.einsum("ij,ij->j", toward, toward))
    shone = reflect(
        np.clip(skin.albedo, 0, 1),
        surface.normals(seen, skin, toward),
        toward,
        light,
        lit=sunlit(position, light, shades) * skin.open_sun,
        open_sky=skin.open_sky,
        gloss=skin.gloss,
    )
    return encode(shone)


def _mend(canvas: Image, depths: Array, view: View) -> None:
    """Fill pinholes, which look through to something far, with the mean of their neighbours."""
    shallow = np.minimum(depths, 4 * view.distance)
    opened = cv2.morphologyEx(shallow, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    sound = shallow <= opened + 6 * view.pixel
    holes = np.flatnonzero(~sound)
    if not holes.size:
        return
    weight = sound.astype(np.float32)
    total = cv2.blur(weight, (3, 3)).reshape(-1)[holes]
    near = cv2.blur(canvas * weight[..., None], (3, 3)).reshape(-1, 3)[holes]
    kept = total > 0.3
    canvas.reshape(-1, 3)[holes[kept]] = (near[kept] / total[kept][:, None]).astype(np.uint8)
    depths.reshape(-1)[holes[kept]] = opened.reshape(-1)[holes[kept]]
