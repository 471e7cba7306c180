"""Which rows of a drifted night are to blame: a cross-fitted domain classifier's score."""

import numpy as np
from numpy.typing import ArrayLike

from mycovigil_statistics.drift.reference import FittedReference
from mycovigil_statistics.drift.views.scores import rank_features
from mycovigil_statistics.sample import FloatArray, Groups, IntArray, canonical_order, validated

FOLDS = 5
LEAST_ROWS = 10
LEAST_GROUPS = 5


def responsible(
    fitted: FittedReference,
    features: ArrayLike,
    *,
    groups: Groups = None,
    count: int = 20,
    seed: int = 0,
) -> tuple[IntArray, FloatArray]:
    """Numbers of the `count` rows that look least like the reference, and their scores.

    The score is a linear discriminant between the night and the held-out reference, over whitened
    features and ranked novelty scores, learned without the row's own fold (Lopez-Paz and Oquab,
    2017, Revisiting classifier two-sample tests). 0 is a typical reference row, the unit is the
    reference's standard deviation. Rows come with the highest score first.

    Raises `InsufficientRows` below 10 rows or 5 groups, `DimensionMismatch`, `NotFinite`.
    """
    night = validated(features, groups=groups, least_rows=LEAST_ROWS, least_groups=LEAST_GROUPS)
    fitted.require_comparable(night)
    tonight, calm = _coordinates(fitted, night.features)
    fold = np.random.default_rng(seed).permutation(night.unit_count)[night.units] % FOLDS
    scores = np.empty(night.rows)
    for number in range(FOLDS):
        out = fold == number
        scores[out] = _discriminant(tonight[~out], calm, tonight[out])
    order = canonical_order(np.asarray(features, np.float32))
    best = np.argsort(-scores, kind="stable")[:count]
    return order[best], scores[best]


def _coordinates(fitted: FittedReference, features: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Whitened features and ranked novelty scores of the night and of the pool."""
    geometry, pool = fitted.geometry, fitted.pool.features
    night = geometry.whitening.apply(features)
    ranks = rank_features(np.vstack([geometry.scores(night), geometry.scores(pool)]))
    ranks *= np.sqrt(12)
    return np.hstack([night, ranks[: len(night)]]), np.hstack([pool, ranks[len(night) :]])


def _discriminant(night: FloatArray, calm: FloatArray, rows: FloatArray) -> FloatArray:
    """Projection on the direction of drift, in the calm rows' standard deviations.

    The difference of means first; then rows weigh by how far along it they lie (each without its
    own share in it), because a few strange photos are diluted by the many ordinary ones.
    """
    middle, precision = calm.mean(axis=0), 1 / (calm.var(axis=0) + 1e-3)
    deviations = night - middle
    direction = deviations.mean(axis=0) * precision
    own = np.square(deviations) @ precision / len(night)
    along = (deviations @ direction - own) / _spread(calm, direction)
    weights = np.square(np.clip(along, 0, 5))
    if weights.sum() > 0:
        direction = weights @ deviations / weights.sum() * precision
    return np.asarray((rows - middle) @ direction / _spread(calm, direction))


def _spread(calm: FloatArray, direction: FloatArray) -> float:
    return float((calm @ direction).std()) or 1.0
