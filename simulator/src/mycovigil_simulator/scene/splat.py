"""Painting surface points onto a canvas, the far ones first."""

import cv2
import numpy as np
from numpy.typing import NDArray

from mycovigil_simulator.colour import Image, encode
from mycovigil_simulator.fungus.skin import Skin
from mycovigil_simulator.scene.light import Light, Shade, reflect, sunlit
from mycovigil_simulator.scene.view import View

Array = NDArray[np.float32]


def splat(canvas: Image, depths: Array, skins: list[Skin], view: View, light: Light,
          shades: list[Shade]) -> Image:
    """Draw the skins into `canvas` and `depths` (size, size), in place; returns the mask drawn."""
    places, distances, colours = [], [], []
    for skin in skins:
        columns, rows, depth = view.project(skin.position)
        column = np.rint(columns).astype(np.int32)
        row = np.rint(rows).astype(np.int32)
        inside = np.flatnonzero(
            (column >= 0) & (column < view.size) & (row >= 0) & (row < view.size)
            & (skin.position[2] > -0.05)
        )
        places.append(row[inside] * view.size + column[inside])
        distances.append(depth[inside])
        colours.append(_shaded(skin, inside, view, light, shades))
    place, distance = np.concatenate(places), np.concatenate(distances)
    span = distance.max() - distance.min() + 1e-6
    key = ((distance.max() - distance) / span * 65535).astype(np.uint16)
    order = np.argsort(key, kind="stable")
    mask = np.zeros(view.size * view.size, np.uint8)
    canvas.reshape(-1, 3)[place[order]] = np.concatenate(colours)[order]
    depths.reshape(-1)[place[order]] = distance[order]
    mask[place] = 1
    return _closed(canvas, depths, mask.reshape(view.size, view.size))


def _shaded(
    skin: Skin, inside: Array, view: View, light: Light, shades: list[Shade]
) -> Image:
    position = skin.position[:, inside]
    toward = view.eye[:, None] - position
    toward /= np.linalg.norm(toward, axis=0)
    lit = sunlit(position, light, shades) * skin.open_sun[inside]
    shone = reflect(
        skin.albedo[inside],
        skin.normal[:, inside],
        toward,
        light,
        lit=lit,
        open_sky=skin.open_sky[inside],
        gloss=skin.gloss,
    )
    return encode(shone)


def _closed(canvas: Image, depths: Array, mask: Image) -> Image:
    """Fill the pinholes between points with the mean of their painted neighbours."""
    full = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    holes = (full == 1) & (mask == 0)
    if holes.any():
        weight = cv2.blur(mask.astype(np.float32), (3, 3))[holes]
        near = cv2.blur(canvas * mask[..., None].astype(np.float32), (3, 3))[holes]
        canvas[holes] = (near / np.maximum(weight, 1e-3)[:, None]).astype(np.uint8)
        far = cv2.blur(np.where(mask == 1, depths, 0).astype(np.float32), (3, 3))[holes]
        depths[holes] = far / np.maximum(weight, 1e-3)
    return np.asarray(full, np.uint8)
