"""Calibrated probabilities: temperature and vector scaling (Guo et al. 2017), and their error."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scaling:
    """softmax(scale * logits + offset); both (C,). A temperature T is scale 1/T, offset 0."""

    scale: Array
    offset: Array

    def probabilities(self, logits: ArrayLike) -> Array:
        """(N, C) rows that sum to 1."""
        return softmax(np.asarray(logits, dtype=np.float64) * self.scale + self.offset)


def softmax(logits: ArrayLike) -> Array:
    """Along the last axis, without overflow."""
    rows = np.asarray(logits, dtype=np.float64)
    grown = np.exp(rows - rows.max(axis=-1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=-1, keepdims=True))


def log_loss(
    probabilities: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None
) -> float:
    """Mean negative log-likelihood, in nats; ``weights`` (N,) per row."""
    rows, truth, share = _checked(probabilities, labels, weights)
    chosen = rows[np.arange(len(truth)), truth]
    return float(-(share * np.log(np.clip(chosen, 1e-12, None))).sum())


def temperature_scaling(
    logits: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None
) -> Scaling:
    """The one temperature in [1/20, 20] that minimises the loss; the order never changes.

    The truth is smoothed as Platt (1999) does: few photos, all of them right, are no proof of
    certainty.
    """
    from scipy.optimize import minimize_scalar

    rows, truth, share = _checked(logits, labels, weights)
    targets = _smoothed(truth, rows.shape[1])
    found = minimize_scalar(
        lambda log_scale: _cross_entropy(softmax(rows * np.exp(log_scale)), targets, share),
        bounds=(-np.log(20), np.log(20)),
        method="bounded",
    )
    classes = rows.shape[1]
    return Scaling(np.full(classes, float(np.exp(found.x))), np.zeros(classes))


def vector_scaling(
    logits: ArrayLike,
    labels: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    shrinkage: float = 0.01,
) -> Scaling:
    """A positive scale and an offset per class, shrunk towards plain temperature scaling.

    Args:
        shrinkage: weight of the squared distance (log scale) from the temperature's solution;
            keeps a class of few photos from being moved by chance.
    """
    from scipy.optimize import minimize

    rows, truth, share = _checked(logits, labels, weights)
    classes = rows.shape[1]
    targets = _smoothed(truth, classes)
    scale = temperature_scaling(rows, truth, share).scale
    start = np.concatenate([np.log(scale), np.zeros(classes)])

    def objective(point: Array) -> tuple[float, Array]:
        scale, offset = np.exp(point[:classes]), point[classes:]
        probabilities = softmax(rows * scale + offset)
        away = point - start
        loss = _cross_entropy(probabilities, targets, share) + shrinkage * float(away @ away)
        slope = (probabilities - targets) * share[:, None]
        gradient = np.concatenate([(slope * rows).sum(axis=0) * scale, slope.sum(axis=0)])
        return loss, gradient + 2 * shrinkage * away

    bounds = [(-np.log(20), np.log(20))] * classes + [(-5.0, 5.0)] * classes
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return Scaling(np.exp(found.x[:classes]), found.x[classes:])


def bias_corrected_scaling(
    logits: ArrayLike, labels: ArrayLike, *, shrinkage: float = 2.0
) -> Scaling:
    """BCTS: one temperature and an offset per class (Alexandari et al., 2020).

    The calibration to take before class shares are estimated: without offsets their estimates are
    biased, and scales of single classes carry over to no other night.

    Args:
        shrinkage: weight of the squared offsets, in rows; the temperature's is 2.5 times as heavy.
    """
    from scipy.optimize import minimize

    rows, truth, _ = _checked(logits, labels, None)
    targets = np.eye(rows.shape[1])[truth]
    weights = shrinkage * np.array([2.5, *[1.0] * rows.shape[1]])
    start = np.array([1.0, *[0.0] * rows.shape[1]])

    def objective(point: Array) -> tuple[float, Array]:
        probabilities = softmax(rows * point[0] + point[1:])
        chosen = probabilities[np.arange(len(truth)), truth]
        away, slope = point - start, probabilities - targets
        loss = float(weights @ np.square(away) - np.log(np.clip(chosen, 1e-300, None)).sum())
        gradient = np.array([(slope * rows).sum(), *slope.sum(axis=0)])
        return loss, gradient + 2 * weights * away

    bounds = [(0.05, 20.0)] + [(-5.0, 5.0)] * rows.shape[1]
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return Scaling(np.full(rows.shape[1], found.x[0]), found.x[1:])


def expected_calibration_error(
    probabilities: ArrayLike,
    labels: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    bins: int = 15,
) -> float:
    """Top-label ECE in [0, 1], bins of equal width (Naeini et al. 2015).

    With :func:`balanced_weights` a rare class counts as much as a common one.
    """
    rows, truth, share = _checked(probabilities, labels, weights)
    hit = (rows.argmax(axis=1) == truth).astype(np.float64)
    return _binned_gap(rows.max(axis=1), hit, share, bins)


def class_calibration_error(
    probabilities: ArrayLike, labels: ArrayLike, column: int, *, bins: int = 15
) -> float:
    """Calibration error of one class's probability against its occurrence."""
    rows, truth, share = _checked(probabilities, labels, None)
    return _binned_gap(rows[:, column], (truth == column).astype(np.float64), share, bins)


def balanced_weights(labels: ArrayLike, classes: int, *, power: float = 1.0) -> Array:
    """(N,) weights count**-power of each row's class, of mean 1; power 0.5 is inverse root."""
    truth = np.asarray(labels, dtype=np.int64)
    counts = np.bincount(truth, minlength=classes).astype(np.float64)
    weights = np.clip(counts, 1, None)[truth] ** -power
    return np.asarray(weights / weights.mean())


def _smoothed(truth: NDArray[np.int64], classes: int) -> Array:
    """(N, C) targets: (n + 1) / (n + 2) for the true class, n being its number of photos."""
    counts = np.bincount(truth, minlength=classes)[truth].astype(np.float64)
    missing = 1.0 / (counts + 2.0)
    targets = np.repeat(missing[:, None] / (classes - 1), classes, axis=1)
    targets[np.arange(len(truth)), truth] = 1.0 - missing
    return targets


def _cross_entropy(probabilities: Array, targets: Array, share: Array) -> float:
    logs = np.log(np.clip(probabilities, 1e-300, None))
    return float(-(share * (targets * logs).sum(axis=1)).sum())


def _binned_gap(confidence: Array, hit: Array, share: Array, bins: int) -> float:
    where = np.clip((confidence * bins).astype(np.int64), 0, bins - 1)
    gap = np.bincount(where, weights=share * (confidence - hit), minlength=bins)
    return float(np.abs(gap).sum())


def _checked(
    rows: ArrayLike, labels: ArrayLike, weights: ArrayLike | None
) -> tuple[Array, NDArray[np.int64], Array]:
    matrix = np.asarray(rows, dtype=np.float64)
    truth = np.asarray(labels, dtype=np.int64)
    if matrix.ndim != 2 or len(matrix) != len(truth) or not len(truth):
        raise ValueError(
            f"needs (N, C) rows and N labels, N > 0; got {matrix.shape}, {truth.shape}"
        )
    share = np.ones(len(truth)) if weights is None else np.asarray(weights, dtype=np.float64)
    return matrix, truth, share / share.sum()
