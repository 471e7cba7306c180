"""What a candidate must show against one opponent, each a bound below a margin."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mycovigil.models.safety import CLASSES, SafetyClass
from mycovigil.settings import TrainingSettings
from mycovigil_statistics.safety.paired import (
    PairedComparison,
    attempt_alpha,
    non_inferiority,
    units_needed,
    within_units,
)
from mycovigil_training.model.evaluation import neither_avoided_nor_refused, useful
from mycovigil_training.model.scoring import Answers

HARMFUL = (SafetyClass.DEADLY, SafetyClass.POISONOUS)


@dataclass(frozen=True, slots=True)
class Limits:
    """``margin``: the rate of missed specimens that may be added; ``useful_margin``: the rate of
    useful answers that may be lost; ``alpha``: the one-sided level of this attempt."""

    margin: float
    useful_margin: float
    alpha: float

    @classmethod
    def of(cls, settings: TrainingSettings, spent: float) -> "Limits":
        """The limits of the next attempt; ``spent``: the levels of the year's earlier ones."""
        alpha = attempt_alpha(
            spent, yearly=settings.gate_alpha, attempts=settings.gate_attempts_a_year
        )
        return cls(settings.miss_margin, settings.useful_margin, alpha)


@dataclass(frozen=True, slots=True)
class PairedAnswers:
    """N photos that neither model has seen: ``labels`` (N,), specimens ``groups`` (N,), ``drifted``
    (N,) marks the labelled photos of the drifted nights; ``opponent`` is the other model's
    version."""

    labels: NDArray[np.int64]
    groups: NDArray[np.str_]
    drifted: NDArray[np.bool_]
    candidate: Answers
    theirs: Answers
    opponent: str = ""


@dataclass(frozen=True, slots=True)
class Criterion:
    """``upper`` is the one-sided upper bound of what the candidate adds (or loses, for useful
    answers), which must be shown to lie below ``margin``. ``needed``: the fewest specimens with
    which any candidate could; ``ours_only`` and ``theirs_only`` count specimens missed by one model
    only, where they are counted whole."""

    what: str
    specimens: int
    needed: int
    difference: float
    upper: float
    margin: float
    passed: bool
    ours_only: int | None = None
    theirs_only: int | None = None

    @property
    def too_few(self) -> bool:
        return self.specimens < self.needed

    @property
    def objection(self) -> str | None:
        """Why it is not met; none if it is."""
        if self.too_few:
            return (
                f"too few specimens to tell about {self.what}: {self.specimens} are held out and "
                f"{self.needed} are needed at least, {self.needed - self.specimens} more"
            )
        if self.passed:
            return None
        counts = (
            f"; {self.ours_only} by the candidate only, {self.theirs_only} by the other only, of "
            f"{self.specimens}"
            if self.ours_only is not None
            else ""
        )
        return (
            f"not shown about {self.what}: up to {self.upper:.1%} more, {self.margin:.0%} is "
            f"allowed{counts}"
        )


def criteria(paired: PairedAnswers, limits: Limits) -> dict[str, Criterion]:
    """All of them, by the names that the evidence gives them."""
    found = {}
    for kind in HARMFUL:
        found[kind.value] = _whole(paired, kind, limits)
        found[f"{kind.value}_within"] = _within(paired, kind, limits)
    return found | {"useful": _useful(paired, limits)}


def _whole(paired: PairedAnswers, kind: SafetyClass, limits: Limits) -> Criterion:
    """Specimens of the class, missed if any photo is."""
    rows = paired.labels == CLASSES.index(kind)
    result = non_inferiority(
        neither_avoided_nor_refused(paired.candidate.verdicts[rows]),
        neither_avoided_nor_refused(paired.theirs.verdicts[rows]),
        margin=limits.margin,
        alpha=limits.alpha,
        groups=paired.groups[rows],
    )
    return Criterion(
        what=f"{kind.value} specimens missed",
        specimens=result.units,
        needed=result.needed,
        difference=result.difference,
        upper=result.upper,
        margin=limits.margin,
        passed=result.outcome is PairedComparison.NON_INFERIOR,
        ours_only=result.candidate_only,
        theirs_only=result.production_only,
    )


def _within(paired: PairedAnswers, kind: SafetyClass, limits: Limits) -> Criterion:
    """The share of each specimen's photos that is missed: to `_whole` a specimen of which one photo
    is missed already cannot get worse. That specimens are too few is for `_whole` to say."""
    rows = paired.labels == CLASSES.index(kind)
    found = _mean(
        f"photos of a {kind.value} specimen missed",
        neither_avoided_nor_refused(paired.candidate.verdicts[rows]),
        neither_avoided_nor_refused(paired.theirs.verdicts[rows]),
        paired.groups[rows],
        limits.margin,
        limits.alpha,
    )
    return replace(found, needed=0, passed=found.passed or found.too_few)


def _useful(paired: PairedAnswers, limits: Limits) -> Criterion:
    """The share of each specimen's photos without a useful answer: a model that never answers
    misses nothing."""
    return _mean(
        "useful answers lost",
        ~useful(paired.candidate.verdicts, paired.labels),
        ~useful(paired.theirs.verdicts, paired.labels),
        paired.groups,
        limits.useful_margin,
        limits.alpha,
    )


def _mean(
    what: str,
    ours: NDArray[np.bool_],
    theirs: NDArray[np.bool_],
    groups: NDArray[np.str_],
    margin: float,
    alpha: float,
) -> Criterion:
    difference, upper = within_units(ours, theirs, groups, alpha=alpha)
    specimens, needed = len(np.unique(groups)), units_needed(margin, alpha)
    enough = specimens >= needed
    return Criterion(
        what, specimens, needed, difference, upper, margin, passed=enough and upper < margin
    )
