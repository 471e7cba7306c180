"""Novelty: how far a photo is from everything we know, and from when on we say so.

Distance to the k nearest anchors in the encoder's space (Sun et al. 2022, deep nearest
neighbours), with a split-conformal threshold instead of a guessed one; and the direction in which
photos without a mushroom lie (outlier exposure, Hendrycks et al. 2019), where some are at hand.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycovigil_statistics.safety.conformal import NotCertifiable, smallest_certifiable

CHUNK = 4_096
# Cosine distance below which an anchor is the photo itself, stored with 16 bits a feature.
OWN_COPY = 1e-4
LEAST_FOREIGN = 50
MOST_KNOWN = 5_000


def mean_distance(
    features: ArrayLike, anchors: ArrayLike, neighbours: int, *, leave_own_out: bool = False
) -> NDArray[np.float64]:
    """(N,) mean cosine distance (1 - cosine, in [0, 2]) to the nearest anchors.

    Args:
        features: (N, D) of unit length.
        anchors: (K, D) of unit length.
        neighbours: how many of the nearest count; at most K are there.
        leave_own_out: a photo that is an anchor itself is measured to the others only, so that
            photos that the model knows can be compared with new ones.
    """
    rows, known = np.atleast_2d(np.asarray(features)), np.asarray(anchors)
    if known.ndim != 2 or not len(known) or rows.shape[1] != known.shape[1]:
        raise ValueError(f"features {rows.shape} do not go with anchors {known.shape}")
    nearest = min(neighbours, len(known))
    parts = []
    for start in range(0, len(rows), CHUNK):
        distance = 1.0 - rows[start : start + CHUNK] @ known.T
        if leave_own_out:
            distance[distance < OWN_COPY] = 2.0
        closest = np.partition(distance, nearest - 1, axis=1)[:, :nearest]
        parts.append(closest.mean(axis=1, dtype=np.float64))
    return np.concatenate(parts) if parts else np.empty(0)


def threshold(distances: ArrayLike, share: float) -> float:
    """The distance that a new photo of the calibration kind exceeds with probability <= share.

    Raises:
        NotCertifiable: fewer than 1/share - 1 calibration photos.
    """
    ranked = np.sort(np.asarray(distances, dtype=np.float64))
    if smallest_certifiable(len(ranked)) > share + 1e-12:
        raise NotCertifiable(share, len(ranked))
    rank = int(np.ceil((len(ranked) + 1) * (1 - share) - 1e-9))
    return float(ranked[min(rank, len(ranked)) - 1])


def separating_distance(known: ArrayLike, foreign: ArrayLike) -> float:
    """The distance with the largest Youden's J between known and foreign photos."""
    near, far = (np.asarray(side, dtype=np.float64) for side in (known, foreign))
    candidates = np.unique(np.concatenate([near, far]))
    inside = np.searchsorted(np.sort(near), candidates, side="right") / len(near)
    inside_foreign = np.searchsorted(np.sort(far), candidates, side="right") / len(far)
    return float(candidates[int(np.argmax(inside - inside_foreign))])


def non_mushroom_direction(
    known: ArrayLike, foreign: ArrayLike, *, seed: int = 0
) -> NDArray[np.float32] | None:
    """(D,) weights of a logistic regression of foreign (M, D) against known (N, D) photos.

    A row's product with it says how much it looks like the foreign ones. None where there are
    fewer than 50 of either. Never compare rows that it was learned from with new ones: in many
    dimensions it knows the former by heart.
    """
    from sklearn.linear_model import LogisticRegression

    near, far = np.asarray(known, np.float32), np.asarray(foreign, np.float32)
    if min(len(near), len(far)) < LEAST_FOREIGN:
        return None
    near = near[random_anchors(MOST_KNOWN, len(near), seed)]
    truth = np.repeat([0, 1], [len(near), len(far)])
    model = LogisticRegression(class_weight="balanced", max_iter=2_000)
    return np.asarray(model.fit(np.vstack([near, far]), truth).coef_[0], np.float32)


def random_anchors(count: int, rows: int, seed: int) -> NDArray[np.int64]:
    """Sorted row numbers of at most ``count`` anchors: keeps the density of the photos."""
    rng = np.random.default_rng(seed)
    return np.sort(rng.choice(rows, size=min(count, rows), replace=False))


def k_centre_anchors(features: ArrayLike, count: int, seed: int) -> NDArray[np.int64]:
    """Farthest-first traversal (Gonzalez 1985): every row is within twice the best possible
    distance of an anchor, so rare kinds keep one."""
    rows = np.asarray(features)
    if not len(rows):
        return np.empty(0, dtype=np.int64)
    chosen = [int(np.random.default_rng(seed).integers(len(rows)))]
    gap = 1.0 - rows @ rows[chosen[0]]
    while len(chosen) < min(count, len(rows)):
        chosen.append(int(np.argmax(gap)))
        gap = np.minimum(gap, 1.0 - rows @ rows[chosen[-1]])
        gap[chosen] = -np.inf
    return np.sort(np.asarray(chosen, dtype=np.int64))
