"""Computes, from a photo's features, what advice depends on: probabilities, distance, species."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mycovigil.models.bundle import Bundle

Vector = NDArray[np.float32]
MAX_SPECIES = 3


@dataclass(frozen=True, slots=True)
class HeadOutput:
    """``probabilities`` (4,), calibrated; ``distance``: mean cosine distance to the nearest
    anchors; ``non_mushroom_score``: see :meth:`Bundle.non_mushroom_scores`; ``nearest_species``:
    species of the nearest anchors, nearest first, each once."""

    probabilities: NDArray[np.float64]
    distance: float
    non_mushroom_score: float
    nearest_species: tuple[str, ...]


class Head:
    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._neighbours = min(bundle.meta.neighbours, len(bundle.anchors))

    def output(self, features: Vector) -> HeadOutput:
        """The output for unit ``features`` (D,)."""
        bundle = self._bundle
        similarity = bundle.anchors @ features
        nearest = np.argpartition(-similarity, self._neighbours - 1)[: self._neighbours]
        nearest = nearest[np.argsort(-similarity[nearest], kind="stable")]
        return HeadOutput(
            probabilities=bundle.probabilities(features),
            distance=float(1.0 - similarity[nearest].mean()),
            non_mushroom_score=float(bundle.non_mushroom_scores(features[None])[0]),
            nearest_species=self._species(nearest),
        )

    def _species(self, anchors: NDArray[np.intp]) -> tuple[str, ...]:
        if not self._bundle.species:
            return ()
        names = dict.fromkeys(self._bundle.species[index] for index in anchors)
        return tuple(name for name in names if name)[:MAX_SPECIES]


def pooled(features: list[Vector]) -> Vector:
    """One unit vector (D,) for several photos of one specimen, in half precision as it is logged:
    whatever is computed from it can be computed again from the row."""
    mean = features[0] if len(features) == 1 else np.mean(features, axis=0)
    unit = mean / max(float(np.linalg.norm(mean)), 1e-12)
    return np.asarray(unit.astype(np.float16).astype(np.float32))
