"""How well a classifier tells a night's rows from the reference: an effect, not a significance.

Any difference becomes significant with enough rows; the area under the curve of a domain classifier
says how large it is (Lopez-Paz and Oquab, 2017, Revisiting classifier two-sample tests).
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from mycovigil_statistics.drift.reference import FittedReference
from mycovigil_statistics.sample import FloatArray, Groups, IntArray, validated

FOLDS = 5
LEAST_ROWS = 10
LEAST_GROUPS = 5
# Added to the variance of an axis, so that axes without variance decide nothing.
LEAST_VARIANCE = 1e-3


def domain_auc(
    fitted: FittedReference, features: ArrayLike, *, groups: Groups = None, seed: int = 0
) -> float:
    """Chance that a row of the night is told from one of the held-out reference: .5 is none.

    (m, d) features. A linear discriminant over half-whitened axes is learned from four fifths of
    the groups of either side and tried on the last: a group is never on both sides.

    Raises `InsufficientRows` below 10 rows or 5 groups, `DimensionMismatch`, `NotFinite`.
    """
    night = validated(features, groups=groups, least_rows=LEAST_ROWS, least_groups=LEAST_GROUPS)
    fitted.require_comparable(night)
    whitening, pool = fitted.geometry.whitening, fitted.pool
    tonight = whitening.halve(whitening.apply(night.features))
    calm = whitening.halve(pool.features)
    generator = np.random.default_rng(seed)
    fold, other = _folds(night.units, generator), _folds(pool.units, generator)
    areas, weights = [], []
    for number in range(FOLDS):
        inside, beside = fold == number, other == number
        if not inside.any() or not beside.any():
            continue
        direction = _direction(tonight[~inside], calm[~beside])
        areas.append(_area(tonight[inside] @ direction, calm[beside] @ direction))
        weights.append(inside.sum())
    return float(np.average(areas, weights=weights)) if areas else 0.5


def area_error(area: float, night: int, calm: int) -> float:
    """Standard error of the area from so many independent units on either side.

    Hanley and McNeil, 1982, The meaning and use of the area under a ROC curve.
    """
    above, below = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area)
    variance += (night - 1) * (above - area**2) + (calm - 1) * (below - area**2)
    return float(np.sqrt(max(variance, 0.0) / (night * calm)))


def _folds(units: IntArray, generator: np.random.Generator) -> IntArray:
    return np.asarray(generator.permutation(int(units.max()) + 1)[units] % FOLDS)


def _direction(night: FloatArray, calm: FloatArray) -> FloatArray:
    difference = night.mean(axis=0) - calm.mean(axis=0)
    return np.asarray(difference / (calm.var(axis=0) + LEAST_VARIANCE))


def _area(night: FloatArray, calm: FloatArray) -> float:
    """The Mann-Whitney statistic over the number of pairs."""
    ranks = rankdata(np.concatenate([night, calm]))[: len(night)]
    return float((ranks.mean() - (len(night) + 1) / 2) / len(calm))
