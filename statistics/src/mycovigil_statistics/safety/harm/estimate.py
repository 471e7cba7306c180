"""Does a drift hurt? The risk that deadly photos are called edible, estimated without labels.

Three explanations of the night (`mycovigil_statistics.safety.harm.explanations`) say of each
photo how likely it is deadly: other class shares (Saerens et al., 2002), a displacement, a new
cluster. Their average and simpler estimates are stacked
(`mycovigil_statistics.safety.harm.stacking`); the explanations' disagreement is part of the
interval. No estimate without labels holds under every shift (Garg et al., 2022, Leveraging
unlabeled data to predict out-of-distribution performance, section 3): `unknown` is an answer.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from mycovigil_statistics.errors import DimensionMismatch, InsufficientRows
from mycovigil_statistics.safety.calibration import bias_corrected_scaling
from mycovigil_statistics.safety.harm.explanations import Explanations
from mycovigil_statistics.safety.harm.mixture import Known
from mycovigil_statistics.safety.harm.rows import IntArray, Rows
from mycovigil_statistics.safety.harm.stacking import Stack, expected_risk, labelled_risk
from mycovigil_statistics.safety.label_shift import Array, Shares, confusion_shares, reweighted

Safety = Literal["affected", "not_affected", "unknown"]
LEAST_LABELLED = 100
LEAST_ROWS = 30
REPLICATES = 100
# Share of the tolerance that, estimated, is called harm; and how much more of it where shares do
# not explain the night (`Explanations.strain`), since estimates err by more there. Chosen so that
# recall and precision are alike, .96 and .82, on 6,000 simulated nights and 6,000 of rendered
# photos (seeds from 100,000), each estimated by weights learned without it (five folds).
ENOUGH, STRAINED = 0.64, 0.1


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
    share of deadly photos called edible that counts as harm. `affected`: about six tenths of
    it are estimated, seven where shares do not explain the night; `not_affected`: the whole of it
    lies above the interval, and nothing but class shares moved; `unknown`: all else.

    Raises `InsufficientRows` below 100 labelled rows, 30 rows tonight, or without one class.
    """
    truth = np.asarray(labels, np.int64)
    _require(night, known, truth)
    reference = Known.of(known.features, known.probabilities, truth)
    explained = Explanations.of(night.features, night.probabilities, reference, deadly)
    drawn = _Replicates.of(night, known, truth, deadly, replicates, seed)
    wide = float(norm.ppf((1 + level) / 2))
    before = labelled_risk(known, truth, deadly)
    rise = Stack.of(night, known, truth, reference, explained).rise
    risk = _estimate(
        before,
        float(np.clip(before + rise, 0.0, night.called_edible.mean())),
        wide * float(np.sqrt(drawn.risks.var() + explained.doubt(night.called_edible))),
    )
    posterior = reweighted(reference.calibrated(night.probabilities), reference.shares)[1]
    recall = _estimate(
        _recall(known.probabilities, reference.calibrated(known.probabilities)),
        _recall(night.probabilities, posterior),
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
            source = np.bincount(labels) / len(labels)
            posterior = reweighted(_calibrated(later, labelled, labels), source)[1]
            recall = _recall(later.probabilities, posterior)
            risk = expected_risk(later, posterior, deadly)
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
    enough = (ENOUGH + STRAINED * explained.strain) * tolerance
    if risk.night - risk.reference > enough:
        return "affected"
    bearable = explained.fits and risk.high - risk.reference < tolerance
    return "not_affected" if bearable else "unknown"


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
