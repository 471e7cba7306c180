"""Does a drift hurt? The risk that deadly photos are called edible, estimated without labels.

Where only class shares moved, calibrated probabilities corrected for the new shares say how often
a call is wrong (Saerens et al., 2002; Garg et al., 2022, Leveraging unlabeled data to predict
out-of-distribution performance). Whether only class shares moved is tested on the features:
re-weighting the labelled reference to the new shares must give the night's mean. Where it does
not, no estimate without labels can be trusted (Garg et al., 2022, section 3), and the answer is
`unknown` unless all of them agree.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycovigil_statistics.errors import DimensionMismatch, InsufficientRows
from mycovigil_statistics.label_shift import Array, Shares, confusion_shares, likelihood_shares

Safety = Literal["affected", "not_affected", "unknown"]
IntArray = NDArray[np.int64]
LEAST_LABELLED = 100
LEAST_ROWS = 30
AXES = 16
WORST_FIT = 2.0
"""Squared distance over its expectation: with 16 axes one night in a hundred has a worse one."""
REPLICATES = 100


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure in the labelled reference and tonight, with the interval of tonight's."""

    reference: float
    night: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class HarmEstimate:
    """`risk`: share of photos that are deadly and called edible; `recall`: macro recall.

    `shares`: class shares tonight, by confusion: its interval covers without calibrated
    probabilities (Lipton et al., 2018); `misfit`: squared distance of the night's mean features
    from what moved class shares explain, 1 on average where nothing else moved; `level` is that
    of all intervals.
    """

    safety: Safety
    risk: Estimate
    recall: Estimate
    shares: Shares
    misfit: float
    level: float


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
    share of deadly photos called edible that counts as harm. `affected`: more than half of it is
    estimated, by likelihood and by confusion alike; `not_affected`: the whole of it lies above
    the interval; `unknown`: everything between, and moves that class shares do not explain.

    Raises `InsufficientRows` below 100 labelled rows, 30 rows tonight, or without one class.
    """
    truth = np.asarray(labels, np.int64)
    _require(night, known, truth)
    generator = np.random.default_rng(seed)
    whole = _Figures.of(night, known, truth, deadly)
    drawn = [
        _Figures.of(
            night.take(generator.integers(0, len(night), len(night))),
            known.take(rows), truth[rows], deadly,
        )
        for rows in (_resampled(truth, generator) for _ in range(replicates))
    ]  # fmt: skip
    tails = [(1 - level) / 2, (1 + level) / 2]
    shares = np.quantile([figures.shares for figures in drawn], tails, axis=0)
    risks = np.quantile([[f.likely, f.plain] for f in drawn], tails, axis=0)
    recalls = np.quantile([figures.recall for figures in drawn], tails)
    misfit = _misfit(night, known, truth, whole.shares)
    fits = misfit <= WORST_FIT
    low, high = (risks[0, 0], risks[1, 0]) if fits else (risks[0].min(), risks[1].max())
    return HarmEstimate(
        _safety(whole, float(high), tolerance, fits=fits),
        Estimate(whole.before, whole.likely, float(low), float(high)),
        Estimate(whole.recall_before, whole.recall, *recalls.tolist()),
        Shares(whole.shares, shares[0], shares[1], level),
        misfit,
        level,
    )


@dataclass(frozen=True, slots=True)
class _Figures:
    """Class shares; the risk before; tonight's as it stands, and for two estimates of shares."""

    shares: Array
    before: float
    plain: float
    likely: float
    confused: float
    recall_before: float
    recall: float

    @classmethod
    def of(cls, night: Rows, known: Rows, truth: IntArray, deadly: int) -> "_Figures":
        classes = known.probabilities.shape[1]
        source = np.bincount(truth, minlength=classes) / len(truth)
        likely = likelihood_shares(night.probabilities, source, steps=100, tolerance=1e-5)
        corrected = _corrected(night.probabilities, likely / source)
        shares = confusion_shares(
            night.probabilities.argmax(axis=1), known.probabilities.argmax(axis=1), truth, classes
        )
        return cls(
            shares,
            _risk(known, known.probabilities, deadly),
            _risk(night, night.probabilities, deadly),
            _risk(night, corrected, deadly),
            _risk(night, _corrected(night.probabilities, shares / source), deadly),
            _recall(known.probabilities, known.probabilities),
            _recall(night.probabilities, corrected),
        )


def _safety(figures: _Figures, high: float, tolerance: float, *, fits: bool) -> Safety:
    estimates = [figures.likely, figures.confused, *([] if fits else [figures.plain])]
    if min(estimates) - figures.before > tolerance / 2:
        return "affected"
    bearable = tolerance if fits else tolerance / 2
    return "not_affected" if high - figures.before < bearable else "unknown"


def _corrected(probabilities: Array, ratio: Array) -> Array:
    joint = probabilities * ratio
    return np.asarray(joint / np.clip(joint.sum(axis=1, keepdims=True), 1e-300, None))


def _risk(rows: Rows, posterior: Array, deadly: int) -> float:
    return float((posterior[:, deadly] * rows.called_edible).mean())


def _recall(probabilities: Array, posterior: Array) -> float:
    """Expected macro recall of the most probable class under the posterior."""
    called = np.eye(probabilities.shape[1])[probabilities.argmax(axis=1)]
    return float(
        ((posterior * called).sum(axis=0) / np.clip(posterior.sum(axis=0), 1e-9, 1e9)).mean()
    )


def _misfit(night: Rows, known: Rows, truth: IntArray, shares: Array) -> float:
    """Squared standardised distance of the means over the leading axes, per axis."""
    classes = np.bincount(truth, minlength=len(shares))
    weights = (shares / np.clip(classes, 1, None))[truth]
    middle = known.features.mean(axis=0)
    _, spread, axes = np.linalg.svd(known.features - middle, full_matrices=False)
    kept = spread[:AXES] > 1e-9 * spread[0]
    unit = axes[:AXES][kept].T / (spread[:AXES][kept] / np.sqrt(len(truth)))
    moved = (night.features.mean(axis=0) - weights @ known.features / weights.sum()) @ unit
    variance = 1 / len(night) + float(np.square(weights).sum()) / float(weights.sum()) ** 2
    return float(np.square(moved).sum() / variance / max(unit.shape[1], 1))


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
