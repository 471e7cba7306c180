"""Does a drift hurt? The risk that deadly photos are called edible, estimated without labels.

Three explanations of the night (`mycovigil_statistics.explanations`) say of each photo how likely
it is deadly: other class shares (Saerens et al., 2002), a displacement, a new cluster. Their
average gives the risk, their disagreement is part of its interval. No estimate without labels holds
under every shift (Garg et al., 2022, Leveraging unlabeled data to predict out-of-distribution
performance, section 3): `unknown` is an answer.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from mycovigil_statistics.calibration import bias_corrected_scaling
from mycovigil_statistics.errors import DimensionMismatch, InsufficientRows
from mycovigil_statistics.explanations import Explanations
from mycovigil_statistics.label_shift import Array, Shares, confusion_shares, likelihood_shares
from mycovigil_statistics.mixture import Known

Safety = Literal["affected", "not_affected", "unknown"]
IntArray = NDArray[np.int64]
LEAST_LABELLED = 100
LEAST_ROWS = 30
REPLICATES = 100


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure among the labelled reference photos and tonight, with the interval of tonight's."""

    reference: float
    night: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class HarmEstimate:
    """`risk`: share of photos that are deadly and called edible; `recall`: macro recall.

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
    estimated; `not_affected`: the whole of it lies above the interval, and nothing but class shares
    moved; `unknown`: all else.

    Raises `InsufficientRows` below 100 labelled rows, 30 rows tonight, or without one class.
    """
    truth = np.asarray(labels, np.int64)
    _require(night, known, truth)
    reference = Known.of(known.features, known.probabilities, truth)
    explained = Explanations.of(night.features, night.probabilities, reference, deadly)
    drawn = _Replicates.of(night, known, truth, deadly, replicates, seed)
    wide = float(norm.ppf((1 + level) / 2))
    posterior = explained.posterior
    risk = _estimate(
        float((known.called_edible & (truth == deadly)).mean()),
        float((posterior[:, deadly] * night.called_edible).mean()),
        wide * float(np.sqrt(drawn.risks.var() + explained.doubt(night.called_edible))),
    )
    recall = _estimate(
        _recall(known.probabilities, reference.calibrated(known.probabilities)),
        _recall(night.probabilities, _reweighted(reference.calibrated(night.probabilities), truth)),
        wide * float(drawn.recalls.std()),
    )
    return HarmEstimate(
        _safety(risk, tolerance, explained),
        risk,
        recall,
        drawn.interval(_confused(night, known, truth), level),
        explained.misfit,
        level,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Replicates:
    """Bootstrap over both samples: (r, C) shares by confusion, (r,) risks and recalls where only
    shares moved, calibrated anew each time."""

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
            posterior = _reweighted(_calibrated(later, labelled, labels), labels)
            risk = float((posterior[:, deadly] * later.called_edible).mean())
            recall = _recall(later.probabilities, posterior)
            found.append((_confused(later, labelled, labels), risk, recall))
        shares, risks, recalls = (np.array(figures) for figures in zip(*found, strict=True))
        return cls(shares, risks, recalls)

    def interval(self, shares: Array, level: float) -> Shares:
        tails = [(1 - level) / 2, (1 + level) / 2]
        low, high = np.quantile(self.shares, tails, axis=0, method="weibull")
        return Shares(shares, low, high, level)


def _estimate(reference: float, night: float, half: float) -> Estimate:
    return Estimate(reference, night, max(night - half, 0.0), min(night + half, 1.0))


def _safety(risk: Estimate, tolerance: float, explained: Explanations) -> Safety:
    """A look-alike that lies among the known moves the mean and leaves no other trace: where
    shares do not explain the mean, harm is not denied."""
    if risk.night - risk.reference > tolerance / 2:
        return "affected"
    bearable = explained.fits and risk.high - risk.reference < tolerance
    return "not_affected" if bearable else "unknown"


def _calibrated(night: Rows, known: Rows, labels: IntArray) -> Array:
    logs, known_logs = (np.log(np.clip(r.probabilities, 1e-12, 1)) for r in (night, known))
    return bias_corrected_scaling(known_logs, labels).probabilities(logs)


def _reweighted(probabilities: Array, labels: IntArray) -> Array:
    """Class probabilities after the shares moved from those of the labels (MLLS)."""
    source = np.bincount(labels, minlength=probabilities.shape[1]) / len(labels)
    shares = likelihood_shares(probabilities, source, steps=50, tolerance=1e-4)
    joint = probabilities * (shares / source)
    return np.asarray(joint / np.clip(joint.sum(axis=1, keepdims=True), 1e-300, None))


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
