"""Class shares of unlabelled photos, when only the shares moved (label shift).

MLLS: maximum likelihood by EM (Saerens et al. 2002; Alexandari et al. 2020), needs calibrated
probabilities. BBSE: inverting the confusion matrix (Lipton et al. 2018), needs none.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Estimator = Callable[[Array, Array, NDArray[np.int64]], Array]


@dataclass(frozen=True, slots=True)
class Shares:
    """(C,) estimated class shares with a bootstrap interval at ``level``."""

    estimate: Array
    low: Array
    high: Array
    level: float


def likelihood_shares(
    probabilities: ArrayLike, source_shares: ArrayLike, *, steps: int = 500, tolerance: float = 1e-7
) -> Array:
    """MLLS: the shares under which the calibrated ``probabilities`` (N, C) are likeliest.

    Args:
        source_shares: (C,) class shares of the photos that the probabilities were calibrated on.
    """
    source = np.asarray(source_shares, dtype=np.float64)
    likelihood = np.asarray(probabilities, dtype=np.float64) / np.clip(source, 1e-9, None)
    shares = np.asarray(source / source.sum())
    for _ in range(steps):
        joint = likelihood * shares
        updated = (joint / np.clip(joint.sum(axis=1, keepdims=True), 1e-300, None)).mean(axis=0)
        if np.abs(updated - shares).max() < tolerance:
            return np.asarray(updated)
        shares = np.asarray(updated)
    return shares


def reweighted(probabilities: Array, source_shares: Array) -> tuple[Array, Array]:
    """(C,) shares by MLLS, accurate to 1e-4, and the (N, C) probabilities under them."""
    shares = likelihood_shares(probabilities, source_shares, steps=50, tolerance=1e-4)
    joint = probabilities * (shares / source_shares)
    return shares, np.asarray(joint / np.clip(joint.sum(axis=1, keepdims=True), 1e-300, None))


def confusion_shares(
    predicted: ArrayLike, known_predicted: ArrayLike, known_labels: ArrayLike, classes: int
) -> Array:
    """BBSE: non-negative least squares on P(predicted | label), shares summing to 1.

    Args:
        predicted: (N,) predicted classes of the new photos.
        known_predicted, known_labels: (M,) of held-out labelled photos.
    """
    from scipy.optimize import nnls

    table = np.zeros((classes, classes))
    np.add.at(table, (np.asarray(known_predicted), np.asarray(known_labels)), 1.0)
    conditional = table / np.clip(table.sum(axis=0), 1.0, None)
    seen = np.bincount(np.asarray(predicted), minlength=classes) / max(np.size(predicted), 1)
    heavy = 1e3  # a heavy last equation makes the shares sum to 1
    shares, _ = nnls(np.vstack([conditional, np.full(classes, heavy)]), np.append(seen, heavy))
    return np.asarray(shares / shares.sum())


def by_likelihood(new: Array, known: Array, labels: NDArray[np.int64]) -> Array:
    """MLLS as an estimator for :func:`with_interval`."""
    source = np.bincount(labels, minlength=known.shape[1]) / len(labels)
    return likelihood_shares(new, source)


def by_confusion(new: Array, known: Array, labels: NDArray[np.int64]) -> Array:
    """BBSE as an estimator for :func:`with_interval`."""
    return confusion_shares(new.argmax(axis=1), known.argmax(axis=1), labels, known.shape[1])


def with_interval(
    estimator: Estimator,
    probabilities: ArrayLike,
    known_probabilities: ArrayLike,
    known_labels: ArrayLike,
    *,
    level: float = 0.90,
    replicates: int = 200,
    seed: int = 0,
) -> Shares:
    """An estimate with a percentile bootstrap over both samples.

    Args:
        probabilities: (N, C) of the new photos; the known ones (M, C) with labels (M,) are held
            out from training.
    """
    new, known = (
        np.asarray(rows, dtype=np.float64) for rows in (probabilities, known_probabilities)
    )
    labels = np.asarray(known_labels, dtype=np.int64)
    rng = np.random.default_rng(seed)
    drawn = np.empty((replicates, new.shape[1]))
    for replicate in range(replicates):
        of_new = rng.integers(len(new), size=len(new))
        of_known = rng.integers(len(known), size=len(known))
        drawn[replicate] = estimator(new[of_new], known[of_known], labels[of_known])
    tail = (1 - level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    return Shares(estimator(new, known, labels), low, high, level)
