"""Photos as an estimate of harm sees them: features, probabilities, and what they were called."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycovigil_statistics.errors import DimensionMismatch
from mycovigil_statistics.safety.label_shift import Array

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """(n, d) features, (n, c) calibrated probabilities, (n,) whether the photo is called edible.

    `called_edible` defaults to the most probable class being `edible`.
    """

    features: Array
    probabilities: Array
    called_edible: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        features: ArrayLike,
        probabilities: ArrayLike,
        *,
        edible: int = 0,
        called_edible: ArrayLike | None = None,
    ) -> "Rows":
        """Raises `DimensionMismatch` if the arrays do not have one row a photo."""
        x, p = np.asarray(features, np.float64), np.asarray(probabilities, np.float64)
        called = p.argmax(axis=1) == edible if called_edible is None else np.asarray(called_edible)
        if not len(x) == len(p) == len(called):
            raise DimensionMismatch(f"{len(x)} features, {len(p)} probabilities, {len(called)}")
        return cls(x, p, called.astype(bool))

    def __len__(self) -> int:
        return len(self.probabilities)

    def take(self, rows: IntArray) -> "Rows":
        return Rows(self.features[rows], self.probabilities[rows], self.called_edible[rows])
