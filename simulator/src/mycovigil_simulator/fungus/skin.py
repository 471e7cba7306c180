"""Surfaces: the geometry that decides what is seen, and the paint for what is."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mycovigil_simulator.arrays import Array
from mycovigil_simulator.fungus.sheet import Frame, Sheet


@dataclass(frozen=True, slots=True)
class Skin:
    """Paint of n points: (n, 3) linear albedo, (n,) openness to sky and sun, (3, n) relief.

    `relief` is added to the unit normals before shading.
    """

    albedo: Array
    open_sky: Array | float = 1.0
    open_sun: Array | float = 1.0
    gloss: float = 0.0
    relief: Array | None = None


@dataclass(frozen=True, slots=True)
class Surface:
    """A sheet in its frame, and how to paint those of its points that the eye sees."""

    sheet: Sheet
    frame: Frame
    paint: Callable[[Sheet], Skin]

    def normals(self, seen: Sheet, skin: Skin, toward: Array) -> Array:
        """World unit normals (3, n) of painted points, turned to the side that is seen."""
        normal = seen.normal
        if skin.relief is not None:
            normal = normal + skin.relief
            normal /= np.sqrt(np.einsum("ij,ij->j", normal, normal))
        turned: Array = self.frame.rotation @ normal
        away = np.einsum("ij,ij->j", turned, toward) < 0
        turned[:, away] *= -1
        return turned
