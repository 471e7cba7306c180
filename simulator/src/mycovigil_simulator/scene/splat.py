"""Painting surfaces onto a canvas: project points, keep the nearest, shade only what is seen."""

import cv2
import numpy as np
from numpy.typing import NDArray

from mycovigil_simulator.colour import Image, encode
from mycovigil_simulator.fungus.skin import Surface
from mycovigil_simulator.scene.light import Light, Shade, reflect, sunlit
from mycovigil_simulator.scene.view import View

Array = NDArray[np.float32]
BURIED = -0.05  # cm: what lies deeper is under the ground


def splat(
    canvas: Image, depths: Array, surfaces: list[Surface], view: View, light: Light,
    shades: list[Shade],
) -> None:
    """Draw the surfaces into `canvas` and `depths` (size, size), in place."""
    if not surfaces:
        return
    worlds = [surface.frame.to_world(surface.sheet.position) for surface in surfaces]
    points = np.concatenate(worlds, axis=1)
    starts = np.cumsum([0] + [world.shape[1] for world in worlds])
    place, depth = _places(points, view)
    owner = _nearest(place, depth, view.size)
    drawn = np.flatnonzero(owner >= 0)
    winners = owner[drawn]
    colours = np.empty((len(winners), 3), np.uint8)
    turn = np.argsort(winners, kind="stable")
    bounds = np.searchsorted(winners[turn], starts)
    for surface, world, start, low, high in zip(
        surfaces, worlds, starts, bounds[:-1], bounds[1:], strict=False
    ):
        chosen = turn[low:high]
        if chosen.size:
            mine = (winners[chosen] - start).astype(np.int32)
            colours[chosen] = _shaded(surface, world[:, mine], mine, view, light, shades)
    canvas.reshape(-1, 3)[drawn] = colours
    depths.reshape(-1)[drawn] = depth[winners]
    _mend(canvas, depths, view)


def _places(points: Array, view: View) -> tuple[NDArray[np.int32], Array]:
    """Pixel index of each point, or size * size where it is outside or buried, and its depth."""
    columns, rows, depth = view.project(points)
    column, row = (columns + 0.5).astype(np.int32), (rows + 0.5).astype(np.int32)
    limit = np.uint32(view.size)
    inside = (column.view(np.uint32) < limit) & (row.view(np.uint32) < limit)
    inside &= points[2] > BURIED
    return np.where(inside, row * view.size + column, view.size * view.size), depth


def _nearest(place: NDArray[np.int32], depth: Array, size: int) -> NDArray[np.int32]:
    """For each pixel the index of its nearest point, or -1."""
    near, far = float(depth.min()), float(depth.max())
    key = ((far - depth) * (65535 / (far - near + 1e-6))).astype(np.uint16)
    order = np.argsort(key, kind="stable").astype(np.int32)  # radix sort, far to near
    owner = np.full(size * size + 1, -1, np.int32)
    owner[place[order]] = order  # the last write, the nearest point, stays
    return owner[:-1]


def _shaded(
    surface: Surface, position: Array, chosen: NDArray[np.int32], view: View, light: Light,
    shades: list[Shade],
) -> Image:
    """sRGB (n, 3) of the chosen points of a surface at world positions (3, n)."""
    seen = surface.sheet.take(chosen)
    skin = surface.paint(seen)
    toward = view.eye[:, None] - position
    toward /= np.sqrt(np.einsum("ij,ij->j", toward, toward))
    shone = reflect(
        np.clip(skin.albedo, 0, 1),
        surface.normals(seen, skin),
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
