"""Do the night's photos keep to themselves? Novel species do, a changed camera does not.

Photos of something new lie close to one another, wherever in the known cloud they lie: their
nearest neighbours are the night's more often than chance has it (Schilling, 1986, Multivariate
two-sample tests based on nearest neighbors), and unevenly so, because only some photos are new.
Something that moves every photo a little keeps them among their old neighbours.
"""

import numpy as np
from numpy.typing import NDArray

from mycovigil_statistics.sample import FloatArray, IntArray

# Fewer than a night holds of one new species: more of them see only large clusters.
NEIGHBOURS = 8
MOST_ROWS = 1_000
RELABELLINGS = 200


def cohesion(
    night: FloatArray,
    calm: FloatArray,
    night_units: IntArray,
    calm_units: IntArray,
    generator: np.random.Generator,
    weights: FloatArray | None = None,
) -> dict[str, float]:
    """How many standard deviations the night's share of night neighbours lies above chance
    (`cohesion`), and likewise how unevenly the night's rows have them (`patchiness`).

    `night` (m, d), `calm` (n, d): rows to measure distances between; as many of each are taken,
    1,000 at most. Rows of one unit are never neighbours of each other. `weights` (n,): calm rows
    are drawn in proportion, so that a mixture that is known to have changed is no news.
    """
    rows = min(len(night), len(calm) // 2 if weights is not None else len(calm), MOST_ROWS)
    chances = None if weights is None else weights / weights.sum()
    sides = [
        generator.permutation(len(night))[:rows],
        generator.choice(len(calm), rows, replace=False, p=chances),
    ]
    points = np.vstack([night[sides[0]], calm[sides[1]]])
    units = np.concatenate([night_units[sides[0]], -1 - calm_units[sides[1]]])
    nearest = _nearest(points, units)
    ours = np.repeat([1.0, 0.0], rows)
    observed = _shares(nearest, ours)
    chance = np.array([_shares(nearest, generator.permutation(ours)) for _ in range(RELABELLINGS)])
    signal = (observed - chance.mean(axis=0)) / (chance.std(axis=0) + 1e-12)
    return {"cohesion": float(signal[0]), "patchiness": float(signal[1])}


def _nearest(points: FloatArray, units: IntArray) -> IntArray:
    """(n, 8) numbers of the nearest rows of other units."""
    lengths = np.square(points).sum(axis=1)
    squared = lengths[:, None] + lengths - 2 * points @ points.T
    squared[units[:, None] == units] = np.inf
    return np.argpartition(squared, NEIGHBOURS, axis=1)[:, :NEIGHBOURS].astype(np.int64)


def _shares(nearest: IntArray, ours: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean and variance, over our rows, of the share of ours among their neighbours."""
    shares = ours[nearest[ours > 0]].mean(axis=1)
    return np.array([shares.mean(), shares.var()])
