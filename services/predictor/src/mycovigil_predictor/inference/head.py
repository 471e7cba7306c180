"""A bundle at work: features to calibrated probabilities, distance to the reference, kin."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mycovigil.models.bundle import Bundle

Vector = NDArray[np.float32]
MOST_KIN = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """``probabilities`` (4,), ``distance``: mean cosine distance to the nearest anchors,
    ``strangeness``: likeness to photos of other things, and ``kin``: species of those anchors,
    nearest first, each once."""

    probabilities: NDArray[np.float64]
    distance: float
    strangeness: float
    kin: tuple[str, ...]


class Head:
    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._neighbours = min(bundle.meta.neighbours, len(bundle.anchors))

    def read(self, features: Vector) -> Reading:
        """What the head says about unit ``features`` (D,)."""
        bundle = self._bundle
        similarity = bundle.anchors @ features
        nearest = np.argpartition(-similarity, self._neighbours - 1)[: self._neighbours]
        nearest = nearest[np.argsort(-similarity[nearest], kind="stable")]
        return Reading(
            probabilities=bundle.probabilities(features),
            distance=float(1.0 - similarity[nearest].mean()),
            strangeness=float(bundle.non_mushroom_scores(features[None])[0]),
            kin=self._species(nearest),
        )

    def _species(self, anchors: NDArray[np.intp]) -> tuple[str, ...]:
        if not self._bundle.species:
            return ()
        names = dict.fromkeys(self._bundle.species[index] for index in anchors)
        return tuple(name for name in names if name)[:MOST_KIN]


def pooled(features: list[Vector]) -> Vector:
    """One unit vector for several photos of one specimen, in half precision as it is logged:
    whatever is computed from it can be computed again from the row."""
    mean = features[0] if len(features) == 1 else np.mean(features, axis=0)
    unit = mean / max(float(np.linalg.norm(mean)), 1e-12)
    return np.asarray(unit.astype(np.float16).astype(np.float32))
