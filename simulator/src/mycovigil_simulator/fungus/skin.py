"""A painted surface: sheet points in world coordinates with their colour and openness."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mycovigil_simulator.fungus.sheet import Frame, Sheet

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Skin:
    """(3, n) positions and unit normals, (n, 3) linear albedo, (n,) openness to sky and sun."""

    position: Array
    normal: Array
    albedo: Array
    open_sky: Array
    open_sun: Array
    gloss: float = 0.0


def skin(
    sheet: Sheet,
    frame: Frame,
    albedo: Array,
    *,
    open_sky: Array | float = 1.0,
    open_sun: Array | float = 1.0,
    gloss: float = 0.0,
    relief: Array | None = None,
) -> Skin:
    """Carry a sheet into the world. `relief` (3, n) is added to the unit normals."""
    normal = sheet.normal
    if relief is not None:
        normal = normal + relief
        normal /= np.linalg.norm(normal, axis=0)
    count = sheet.along.size
    return Skin(
        frame.to_world(sheet.position),
        frame.rotation @ normal,
        np.clip(albedo, 0, 1).astype(np.float32),
        np.broadcast_to(np.float32(open_sky), (count,)),
        np.broadcast_to(np.float32(open_sun), (count,)),
        gloss,
    )
