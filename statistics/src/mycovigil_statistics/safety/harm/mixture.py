"""A night as a mixture: the known classes in other shares, displaced together, and a new cluster.

EM in the whitened leading axes of the labelled reference. How likely a photo is under all known
classes together is a mixture of normals, one a class; how it divides among them is what the head
says, whose log-odds are linear in the features (read off its own probabilities). The means of the
classes are estimated from the labelled rows and the night at once, so that an additional
displacement gains half its dimensions in log-likelihood by chance, whatever the sizes.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mycovigil_statistics.safety.calibration import Scaling, bias_corrected_scaling, softmax
from mycovigil_statistics.safety.label_shift import Array

IntArray = NDArray[np.int64]
AXES = 64
ROWS_AN_AXIS = 8
# Rows that the prior counts as: shares as in the reference, no displacement, a central cluster.
SHARES_WEIGHT, DISPLACEMENT_WEIGHT, CLUSTER_WEIGHT = 10.0, 12.0, 3.0
FIRST_SHARE = 0.15
# Of the variance, so that photos that are there many times leave no axis without any.
RIDGE = 1e-6
ITERATIONS, TRIAL_ITERATIONS = 40, 8
# Smallest gain of log-likelihood a row that is worth another iteration.
TOLERANCE = 2e-5


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """The labelled reference: whitening, class means (C, k), counts and shares (C,), and `slope`
    (k, C) of the head's calibrated log-probabilities."""

    middle: Array
    axes: Array
    means: Array
    counts: Array
    slope: Array
    scaling: Scaling

    @classmethod
    def of(cls, features: Array, probabilities: Array, truth: IntArray) -> "Known":
        middle, leading = _leading(features)
        counts = np.bincount(truth, minlength=probabilities.shape[1]).astype(np.float64)
        member = np.eye(len(counts))[truth]
        flat = (features - middle) @ leading
        means = member.T @ flat / counts[:, None]
        within = flat - means[truth]
        floor = RIDGE * np.square(flat).sum() / max(flat.size, 1) * np.eye(flat.shape[1])
        axes = leading @ _inverse_root(within.T @ within / (len(flat) - len(counts)) + floor)
        scaling = bias_corrected_scaling(_logarithm(probabilities), truth)
        rows = (features - middle) @ axes
        said = _logarithm(scaling.probabilities(_logarithm(probabilities)))
        design = np.column_stack([np.ones(len(rows)), rows])
        slope = np.asarray(np.linalg.lstsq(design, said - said[:, :1], rcond=None)[0][1:])
        return cls(middle, axes, member.T @ rows / counts[:, None], counts, slope, scaling)

    @property
    def shares(self) -> Array:
        return np.asarray(self.counts / self.counts.sum())

    def whiten(self, features: Array) -> Array:
        return np.asarray((features - self.middle) @ self.axes)

    def calibrated(self, probabilities: Array) -> Array:
        return self.scaling.probabilities(_logarithm(probabilities))

    def said(self, probabilities: Array) -> Array:
        """Calibrated log-probabilities."""
        return _logarithm(self.calibrated(probabilities))


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """`shares` (C,) of the known classes, `displacement` (k,), `cluster` (k,): the centre of the
    new one, where the night would have it without displacement; `spread`: variance against the
    reference's; `newness` (n,): how surely a photo is of the new cluster; `posterior` (n, C) of one
    that is not; `loglikelihood` of the night."""

    shares: Array
    displacement: Array
    cluster: Array
    cluster_share: float
    spread: float
    means: Array
    newness: Array
    posterior: Array
    loglikelihood: float

    @property
    def distances(self) -> Array:
        """(C,) squared distances of the new cluster from the means of the classes."""
        return np.asarray(np.square(self.means - self.cluster).sum(axis=1))


@dataclass(frozen=True, slots=True)
class Terms:
    """What may differ from the reference."""

    shares: bool = False
    displacement: bool = False
    cluster: bool = False


def fit(night: Array, said: Array, known: Known, terms: Terms) -> Mixture:
    """`night`: (n, k) whitened rows; `said`: (n, C) calibrated log-probabilities."""
    begin = _start(night, known, terms)
    if not terms.cluster:
        return _climb(begin, night, said, known, terms, ITERATIONS)
    tries = [
        _climb(replace(begin, cluster=centre), night, said, known, terms, TRIAL_ITERATIONS)
        for centre in _centres(night, known)
    ]
    best = max(tries, key=lambda mixture: mixture.loglikelihood)
    return _climb(replace(begin, cluster=best.cluster), night, said, known, terms, ITERATIONS)


def _start(night: Array, known: Known, terms: Terms) -> Mixture:
    middle = known.shares @ known.means
    portion = 0.5 if terms.cluster else 1.0
    return Mixture(
        known.shares, portion * terms.displacement * (night.mean(axis=0) - middle), middle,
        FIRST_SHARE * terms.cluster, 1.0, known.means, np.zeros(len(night)),
        np.tile(known.shares, (len(night), 1)), -np.inf,
    )  # fmt: skip


def _centres(night: Array, known: Known) -> list[Array]:
    """Where a new cluster may be: whither the mean moved, and along the night's longest axis."""
    middle = known.shares @ known.means
    moved = night.mean(axis=0) - middle
    longest = np.linalg.svd(night - night.mean(axis=0), full_matrices=False)[2][0]
    return [middle + step for step in (2 * moved, 5 * moved, 1.5 * longest, -1.5 * longest)]


def _climb(
    mixture: Mixture, night: Array, said: Array, known: Known, terms: Terms, iterations: int
) -> Mixture:
    for _ in range(iterations):
        before = mixture.loglikelihood
        mixture, squares = _expected(mixture, night, said, known)
        if abs(mixture.loglikelihood - before) < TOLERANCE * len(night):
            break
        mixture = _maximised(mixture, squares, night, known, terms)
    return mixture


def _expected(mixture: Mixture, night: Array, said: Array, known: Known) -> tuple[Mixture, Array]:
    """The mixture with every photo's part in it, and (n, C + 1) squared distances."""
    centres = np.vstack([mixture.means, mixture.cluster]) + mixture.displacement
    squares = (
        np.square(night).sum(axis=1)[:, None] - 2 * night @ centres.T
        + np.square(centres).sum(axis=1)
    )  # fmt: skip
    density = -0.5 * (squares / mixture.spread + night.shape[1] * np.log(mixture.spread))
    together = _log_sum(density[:, :-1] + _logarithm(known.shares))
    undone = said - mixture.displacement @ known.slope
    joint = undone - _log_sum(undone) + _logarithm(mixture.shares / known.shares)
    familiar = together + _log_sum(joint) + _logarithm(1 - mixture.cluster_share)
    new = density[:, -1:] + _logarithm(mixture.cluster_share)
    total = np.logaddexp(familiar, new)
    strayed = known.counts @ np.square(mixture.means - known.means).sum(axis=1)
    found = replace(
        mixture,
        newness=np.exp(new - total)[:, 0],
        posterior=softmax(joint),
        loglikelihood=float(total.sum() - 0.5 * strayed),
    )
    return found, squares


def _maximised(
    mixture: Mixture, squares: Array, night: Array, known: Known, terms: Terms
) -> Mixture:
    parts = mixture.posterior * (1 - mixture.newness)[:, None]
    counts, sums, new = parts.sum(axis=0), parts.T @ night, mixture.newness
    shares, moved, centre, portion = known.shares, mixture.displacement, mixture.cluster, 0.0
    if terms.shares:
        shares = (counts + SHARES_WEIGHT * shares) / (counts.sum() + SHARES_WEIGHT)
    if terms.displacement:
        moved = (sums - counts[:, None] * mixture.means).sum(axis=0)
        moved = moved / (counts.sum() + DISPLACEMENT_WEIGHT)
    means = known.counts[:, None] * known.means + sums - counts[:, None] * moved
    means = means / (known.counts + counts)[:, None]
    if terms.cluster:
        pull = CLUSTER_WEIGHT * (known.shares @ known.means)
        centre = (new @ (night - moved) + pull) / (new.sum() + CLUSTER_WEIGHT)
        portion = float((new.sum() + 1) / (len(night) + 4))
    weighed = np.column_stack([parts, new]) * squares
    return replace(
        mixture, shares=shares, displacement=moved, cluster=centre, cluster_share=portion,
        means=means, spread=float(weighed.sum() / night.size),
    )  # fmt: skip


def _leading(features: Array) -> tuple[Array, Array]:
    """The mean, and (d, k) leading principal axes; fewer where there are few rows."""
    middle = features.mean(axis=0)
    _, spread, axes = np.linalg.svd(features - middle, full_matrices=False)
    most = min(AXES, max(len(features) // ROWS_AN_AXIS, 1))
    kept = spread[:most] > 1e-6 * spread[0]
    return middle, np.asarray(axes[:most][kept].T)


def _inverse_root(covariance: Array) -> Array:
    return np.asarray(np.linalg.cholesky(np.linalg.inv(covariance)))


def _logarithm(values: Array | float) -> Array:
    return np.asarray(np.log(np.clip(values, 1e-12, None)))


def _log_sum(logs: Array) -> Array:
    """(n, 1) log of the sum of exponentials of each row."""
    top = logs.max(axis=1, keepdims=True)
    return np.asarray(top + np.log(np.exp(logs - top).sum(axis=1, keepdims=True)))
