"""From calibration photos to the thresholds of the advice, and to the certificate."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mycovigil.models.bundle import Certificate, Thresholds
from mycovigil.models.safety import CLASSES, SafetyClass
from mycovigil_statistics.safety import conformal, novelty
from mycovigil_statistics.safety.conformal import NotCertifiable
from mycovigil_training.configuration import SafetyConfig
from mycovigil_training.model.deadly_floor import DeadlyRows, deadly_floor

DEADLY = CLASSES.index(SafetyClass.DEADLY)
HARMFUL = [CLASSES.index(SafetyClass.POISONOUS), DEADLY]
# Serving computes in float32: floors are lowered by what that may lose.
ROUNDING = 1e-6
FARTHER = 1.5


@dataclass(frozen=True, slots=True)
class CalibrationRows:
    """Photos that neither head nor scaling has seen: calibrated ``probabilities`` (N, 4),
    ``labels`` (N,), specimens ``groups`` (N,), ``distances`` (N,) to the anchors,
    ``non_mushroom_scores`` (N,) along the direction of photos without a mushroom, none where that
    is unknown, ``new_days`` (N,) which were sent since the drift that the model answers, none if it
    answers none."""

    probabilities: NDArray[np.float64]
    labels: NDArray[np.int64]
    groups: NDArray[np.str_]
    distances: NDArray[np.float64]
    non_mushroom_scores: NDArray[np.float64] | None = None
    new_days: NDArray[np.bool_] | None = None

    def scores(self, columns: list[int]) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
        """The probability of these classes together, and the specimens, of their own photos."""
        own = np.isin(self.labels, columns)
        return self.probabilities[own][:, columns].sum(axis=1), self.groups[own]

    def deadly(self) -> DeadlyRows:
        """What the certificate is made from."""
        new = None if self.new_days is None else self.new_days[self.labels == DEADLY]
        return DeadlyRows(*self.scores([DEADLY]), new)


def certify(
    rows: CalibrationRows, config: SafetyConfig, *, foreign: NDArray[np.float64]
) -> tuple[Thresholds, Certificate]:
    """Thresholds and the certificate they carry.

    The certificate counts on the deadly floor alone. Every other rule can only turn an
    ``expert_check`` into something more careful, so the true risk is at most the bound.

    Args:
        foreign: (M,) distances of photos without a mushroom; may be empty.
    """
    floor, certificate = deadly_floor(rows.deadly(), config.miss_targets)
    targets = [
        *config.set_targets[:DEADLY],
        max(certificate.bound or 0.0, config.set_targets[DEADLY]),
    ]
    sets = conformal.set_floors(rows.probabilities, rows.labels, targets, rows.groups)
    near, far = _distances(rows.distances, foreign, config)
    thresholds = Thresholds(
        set_level=tuple(np.clip(1.0 - sets.floors + ROUNDING, 0.0, 1.0).tolist()),
        deadly_floor=max(floor - ROUNDING, 0.0),
        harm_floor=_harm_floor(rows, config),
        novelty=near,
        not_mushroom=far,
        non_mushroom_limit=_non_mushroom_limit(rows.non_mushroom_scores, config),
    )
    return thresholds, certificate


def _harm_floor(rows: CalibrationRows, config: SafetyConfig) -> float:
    """The probability of poisonous or deadly from which the advice is ``avoid``; at most the
    ceiling."""
    scores, specimens = rows.scores(HARMFUL)
    try:
        floor = conformal.largest_floor(scores, config.harm_target, specimens).value
    except NotCertifiable:
        return config.harm_ceiling  # poisonous is then in every prediction set
    return float(min(max(floor - ROUNDING, 0.0), config.harm_ceiling))


def _non_mushroom_limit(scores: NDArray[np.float64] | None, config: SafetyConfig) -> float | None:
    """The score that a mushroom of the calibration kind exceeds with at most the share allowed.

    Photos of other things do not move it: whatever they show, few mushrooms are refused.
    """
    if scores is None or not len(scores):
        return None
    share = max(config.non_mushroom_share, conformal.smallest_certifiable(len(scores)))
    return novelty.threshold(scores, share)


def _distances(
    known: NDArray[np.float64], foreign: NDArray[np.float64], config: SafetyConfig
) -> tuple[float, float]:
    """The novelty threshold, and the farther one beyond which it is no mushroom.

    With foreign photos the farther one separates them best (Youden's J); without, it is half as
    far again from the median as novelty is. It is never below novelty.
    """
    if not len(known):
        return 0.0, 0.0
    share = max(config.novelty_share, conformal.smallest_certifiable(len(known)))
    near = novelty.threshold(known, share)
    middle = float(np.median(known))
    farther = (
        novelty.separating_distance(known, foreign)
        if len(foreign)
        else middle + FARTHER * (near - middle)
    )
    return near, max(near, farther)
