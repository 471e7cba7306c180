"""Does a drift hurt? The share of photos that are deadly and missed, estimated without labels.

The mean of two estimates. One is the share of deadly photos tonight, times the part of the labelled
deadly ones that is missed: right where only the classes' shares moved. The other is the expected
share of tonight's photos that are deadly and missed, by probabilities under tonight's shares: right
where these are calibrated, whichever deadly photos come. Both take the shares by maximum likelihood
from probabilities that are calibrated on the labelled photos (Saerens et al., 2002; Alexandari et
al., 2020); the interval of the shares is by confusion, which needs no calibration (Lipton et al.,
2018). No estimate without labels holds under every shift (Garg et al., 2022, Leveraging unlabeled
data to predict out-of-distribution performance, section 3): `unknown` is an answer.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi2

from mycovigil_statistics.errors import DimensionMismatch, InsufficientRows
from mycovigil_statistics.safety.calibration import bias_corrected_scaling
from mycovigil_statistics.safety.harm.rows import IntArray, Rows
from mycovigil_statistics.safety.label_shift import Array, Shares, confusion_shares, reweighted

Safety = Literal["affected", "not_affected", "unknown"]
LEAST_LABELLED = 100
LEAST_ROWS = 30
REPLICATES = 100
# Share of the tolerance that, estimated, is called harm. On 1,200 fresh nights of each suite
# (`benchmarks/drift_harm.py`, `drift_harm_photos.py`): recall .92 and .96, precision .80 and .83.
ENOUGH = 0.6
# Leading axes whose mean is compared, each from so many labelled rows at least.
AXES, ROWS_AN_AXIS = 64, 8
# Share of the nights in which nothing but shares moved that are said to fit.
FITTING = 0.999


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure among the labelled reference photos and tonight, with the interval of tonight's."""

    reference: float
    night: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class HarmEstimate:
    """`risk`: share of photos that are deadly and called edible, or answered as if they were
    harmless; `recall`: macro recall.

    `shares`: class shares tonight, by confusion: its interval covers without calibrated
    probabilities (Lipton et al., 2018); `misfit`: squared distance of the night's mean from what
    moved class shares explain, about 1 where nothing else moved; `level` is that of all intervals.
    """

    safety: Safety
    risk: Estimate
    recall: Estimate
    shares: Shares
    misfit: float
    level: float


def estimate_harm(
    night: Rows,
    known: Rows,
    labels: ArrayLike,
    *,
    deadly: int,
    tolerance: float = 0.02,
    level: float = 0.90,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> HarmEstimate:
    """Estimate a night's harm from labelled photos that the model has not learned from.

    `labels`: (n,) true classes of `known`, every class among them; `tolerance`: the additional
    share of deadly photos called edible that counts as harm. `affected`: six tenths of it are
    estimated; `not_affected`: the whole of it lies above the interval, and nothing but class shares
    moved; `unknown`: all else.

    Raises `InsufficientRows` below 100 labelled rows, 30 rows tonight, or without one class.
    """
    truth = np.asarray(labels, np.int64)
    _require(night, known, truth)
    drawn = _Replicates.of(night, known, truth, deadly, replicates, seed)
    shares, posterior = _reweighted(night, known, truth)
    risk = _estimate(
        labelled_risk(known, truth, deadly),
        float(np.mean(_risks(shares, posterior, night, known, truth, deadly))),
        drawn.risks,
        level,
    )
    recall = _estimate(
        _recall(known.probabilities, _calibrated(known, known, truth)),
        _recall(night.probabilities, posterior),
        drawn.recalls[:, None],
        level,
    )
    misfit, fits = _misfit(night, known, truth, shares)
    return HarmEstimate(
        _safety(risk, tolerance, fits=fits),
        risk,
        recall,
        drawn.interval(_confused(night, known, truth), level),
        misfit,
        level,
    )


def labelled_risk(rows: Rows, labels: IntArray, deadly: int) -> float:
    """Share of the labelled photos that are deadly and called edible."""
    return float((rows.called_edible & (labels == deadly)).mean())


@dataclass(frozen=True, slots=True, eq=False)
class _Replicates:
    """Bootstrap over both samples: (r, C) shares by confusion, (r, 2) risks by either estimate and
    (r,) recalls, calibrated anew each time."""

    shares: Array
    risks: Array
    recalls: Array

    @classmethod
    def of(
        cls, night: Rows, known: Rows, truth: IntArray, deadly: int, count: int, seed: int
    ) -> "_Replicates":
        generator = np.random.default_rng(seed)
        found = []
        for _ in range(count):
            rows = _resampled(truth, generator)
            later = night.take(generator.integers(0, len(night), len(night)))
            labelled, labels = known.take(rows), truth[rows]
            moved, posterior = _reweighted(later, labelled, labels)
            recall = _recall(later.probabilities, posterior)
            both = _risks(moved, posterior, later, labelled, labels, deadly)
            found.append((_confused(later, labelled, labels), both, recall))
        shares, risks, recalls = (np.array(figures) for figures in zip(*found, strict=True))
        return cls(shares, risks, recalls)

    def interval(self, shares: Array, level: float) -> Shares:
        tails = [(1 - level) / 2, (1 + level) / 2]
        low, high = np.quantile(self.shares, tails, axis=0, method="weibull")
        return Shares(shares, low, high, level)


def _estimate(reference: float, night: float, drawn: Array, level: float) -> Estimate:
    """Of k estimates, (r, k) replicates, which share the error (Bonferroni): the interval reaches
    from the least bound to the greatest, for a bootstrap does not say whose assumption holds."""
    tail = (1 - level) / 2 / drawn.shape[1]
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0, method="weibull")
    return Estimate(reference, night, min(float(low.min()), night), max(float(high.max()), night))


def _safety(risk: Estimate, tolerance: float, *, fits: bool) -> Safety:
    """A look-alike that lies among the known moves the mean and leaves no other trace: where
    shares do not explain the mean, harm is not denied."""
    if risk.night - risk.reference > ENOUGH * tolerance:
        return "affected"
    return "not_affected" if fits and risk.high - risk.reference < tolerance else "unknown"


def _risks(
    shares: Array, posterior: Array, night: Rows, known: Rows, truth: IntArray, deadly: int
) -> tuple[float, float]:
    """By the part of labelled deadly photos that is missed, and by the photos' probabilities."""
    by_labels = shares[deadly] * known.called_edible[truth == deadly].mean()
    return float(by_labels), float((posterior[:, deadly] * night.called_edible).mean())


def _misfit(night: Rows, known: Rows, truth: IntArray, shares: Array) -> tuple[float, bool]:
    """Squared distance, an axis, of the night's mean from the classes' means in these shares, in
    axes whitened within the classes; and whether chance explains it."""
    counts = np.bincount(truth).astype(np.float64)
    member = np.eye(len(counts))[truth]
    middle = known.features.mean(axis=0)
    _, spread, axes = np.linalg.svd(known.features - middle, full_matrices=False)
    most = min(AXES, max(len(truth) // ROWS_AN_AXIS, 1))
    leading = axes[:most][spread[:most] > 1e-6 * spread[0]].T
    flat = (known.features - middle) @ leading
    means = member.T @ flat / counts[:, None]
    within = flat - means[truth]
    covariance = within.T @ within / (len(flat) - len(counts))
    ridge = 1e-6 * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    moved = ((night.features - middle) @ leading).mean(axis=0) - shares @ means
    variance = 1 / len(night) + float((np.square(shares) / counts).sum())
    found = float(moved @ np.linalg.solve(covariance + ridge, moved)) / variance
    return found / len(moved), found <= float(chi2.ppf(FITTING, len(moved)))


def _reweighted(night: Rows, known: Rows, truth: IntArray) -> tuple[Array, Array]:
    """(C,) shares by likelihood, and the (n, C) class probabilities of each photo under them."""
    return reweighted(_calibrated(night, known, truth), np.bincount(truth) / len(truth))


def _calibrated(night: Rows, known: Rows, labels: IntArray) -> Array:
    logs, known_logs = (np.log(np.clip(r.probabilities, 1e-12, 1)) for r in (night, known))
    return bias_corrected_scaling(known_logs, labels).probabilities(logs)


def _confused(night: Rows, known: Rows, truth: IntArray) -> Array:
    said, known_said = (rows.probabilities.argmax(axis=1) for rows in (night, known))
    return confusion_shares(said, known_said, truth, known.probabilities.shape[1])


def _recall(probabilities: Array, posterior: Array) -> float:
    """Expected macro recall of the most probable class under the posterior."""
    called = np.eye(probabilities.shape[1])[probabilities.argmax(axis=1)]
    return float(
        ((posterior * called).sum(axis=0) / np.clip(posterior.sum(axis=0), 1e-9, 1e9)).mean()
    )


def _resampled(truth: IntArray, generator: np.random.Generator) -> IntArray:
    """Rows drawn with replacement, every class keeping at least one."""
    one = [generator.choice(np.flatnonzero(truth == c)) for c in np.unique(truth)]
    rest = generator.integers(0, len(truth), len(truth) - len(one))
    return np.concatenate([one, rest]).astype(np.int64)


def _require(night: Rows, known: Rows, truth: IntArray) -> None:
    if len(truth) != len(known):
        raise DimensionMismatch(f"{len(truth)} labels for {len(known)} rows")
    if night.probabilities.shape[1] != known.probabilities.shape[1]:
        raise DimensionMismatch("tonight's probabilities have other classes than the reference's")
    if len(truth) < LEAST_LABELLED or len(night) < LEAST_ROWS:
        raise InsufficientRows(
            f"{len(truth)} labelled rows and {len(night)} tonight; at least {LEAST_LABELLED} and "
            f"{LEAST_ROWS} are needed"
        )
    missing = set(range(known.probabilities.shape[1])) - set(truth.tolist())
    if missing:
        raise InsufficientRows(f"no labelled row of class {sorted(missing)}")
