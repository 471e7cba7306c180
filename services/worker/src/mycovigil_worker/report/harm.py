"""Estimate without labels whether a drift affects safety; ``unknown`` where they are needed.

Harm is what is advised: deadly photos answered neither `avoid` nor `cannot_tell` come more often,
for the classes come in other shares (`mycovigil_statistics.safety.harm.estimate`, which also
measures what shares alone do not explain). Photos that the model always refuses, for it takes them
for no mushroom or never learned the like, harm nobody: they are left out of the estimate, and more
of them leave harm `unknown`.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycovigil.models.safety import CLASSES, SafetyClass
from mycovigil.references.feature_rows import Rows
from mycovigil_statistics.errors import InsufficientRows
from mycovigil_statistics.safety.harm.estimate import Estimate, HarmEstimate, estimate_harm
from mycovigil_statistics.safety.harm.rows import Rows as Photos
from mycovigil_statistics.safety.proportions import score_interval
from mycovigil_worker.judging.judged_window import Comparison

MOST_ROWS = 1_000
LEVEL = 0.90
# Additional share of novel photos that is not called harm.
TOLERABLE = 0.05
DEADLY = CLASSES.index(SafetyClass.DEADLY)


class Safety(StrEnum):
    AFFECTED = "affected"
    NOT_AFFECTED = "not_affected"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Share:
    """A share in the reference and tonight, with a 90% interval of tonight's."""

    reference: float
    night: float
    low: float
    high: float

    @property
    def grown(self) -> bool:
        return self.low > self.reference + TOLERABLE

    @property
    def bounded(self) -> bool:
        return self.high <= self.reference + TOLERABLE


@dataclass(frozen=True, slots=True)
class Harm:
    """``safety`` follows from ``risk``: the share of photos that are deadly and answered neither
    ``avoid`` nor ``cannot_tell``, of those that the model does not refuse. What is not known leaves
    it ``unknown``, and so does a grown share of ``novel`` photos. ``shares``: of the classes."""

    safety: Safety
    deadly: Share | None = None
    novel: Share | None = None
    risk: Estimate | None = None
    recall: Estimate | None = None
    shares: dict[str, Share] | None = None
    misfit: float | None = None
    level: float = LEVEL

    def document(self) -> dict[str, Any]:
        return asdict(self)


def estimated(comparison: Comparison, novelty: float | None, *, seed: int) -> Harm:
    """Harm of a drifted window; ``novelty``: the model's distance threshold, if known."""
    novel = _novel_share(comparison, novelty)
    found = _without_labels(comparison, seed)
    if found is None:
        return Harm(Safety.UNKNOWN, novel=novel)
    shares = _shares(comparison, found)
    return Harm(
        _safety(Safety(found.safety), novel),
        deadly=shares[SafetyClass.DEADLY.value],
        novel=novel,
        risk=found.risk,
        recall=found.recall,
        shares=shares,
        misfit=found.misfit,
    )


def _safety(by_classes: Safety, novel: Share | None) -> Safety:
    if by_classes is Safety.AFFECTED:
        return Safety.AFFECTED
    bearable = novel is not None and novel.bounded
    return by_classes if bearable else Safety.UNKNOWN


def _without_labels(comparison: Comparison, seed: int) -> HarmEstimate | None:
    """Nothing where the reference has too few labelled photos that are not refused, or none of a
    class, or where nearly all of tonight's are refused."""
    rows, night = comparison.reference.rows, comparison.night
    known = _accepted(comparison, rows, rows.at_most(MOST_ROWS, labelled=True))
    tonight = _accepted(comparison, night, night.at_most(MOST_ROWS))
    labels = [CLASSES.index(SafetyClass(rows.labels[number] or "")) for number in known]
    try:
        return estimate_harm(
            _photos(comparison, night, tonight),
            _photos(comparison, rows, known),
            labels,
            deadly=DEADLY,
            level=LEVEL,
            seed=seed,
        )
    except InsufficientRows:
        return None


def _accepted(comparison: Comparison, rows: Rows, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    return chosen[~comparison.scale.refused(rows)[chosen]]


def _photos(comparison: Comparison, rows: Rows, chosen: NDArray[np.int64]) -> Photos:
    missed = comparison.scale.missed(rows)[chosen]
    return Photos.of(rows.features[chosen], rows.probabilities[chosen], called_edible=missed)


def _shares(comparison: Comparison, found: HarmEstimate) -> dict[str, Share]:
    """Of each class: among the labelled reference photos, and tonight with its interval."""
    labels = [label for label in comparison.reference.rows.labels if label is not None]
    return {
        name.value: Share(labels.count(name.value) / len(labels), *numbers)
        for name, *numbers in zip(
            CLASSES,
            found.shares.estimate.tolist(),
            found.shares.low.tolist(),
            found.shares.high.tolist(),
            strict=True,
        )
    }


def _novel_share(comparison: Comparison, novelty: float | None) -> Share | None:
    if novelty is None:
        return None
    count, rows = comparison.totals.novel, comparison.totals.rows
    tonight = score_interval(count, rows, LEVEL)
    before = float(np.mean(comparison.reference.rows.distances > novelty))
    return Share(before, tonight.estimate, tonight.low, tonight.high)
