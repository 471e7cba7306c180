"""Does the drift hurt? A first estimate without labels, which says ``unknown`` where it must.

Two ways in which deadly photos may be missed more often: more of them arrive (their share among
the predictions, by maximum likelihood under label shift, Saerens et al. 2002), or photos arrive
that the model never learned (beyond its novelty threshold).
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from mycovigil.safety import CLASSES, SafetyClass
from mycovigil_statistics.label_shift import by_likelihood, with_interval
from mycovigil_worker.outcome import Comparison

LEAST_LABELLED = 100
MOST_ROWS = 1_000
LEVEL = 0.90
TOLERABLE = 0.05
"""Additional share of deadly or novel photos that is not called harm."""
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
    """``safety`` follows from the shares alone; an unknown share leaves it ``unknown``."""

    safety: Safety
    deadly: Share | None
    novel: Share | None

    def document(self) -> dict[str, Any]:
        return asdict(self)


def estimated(comparison: Comparison, novelty: float | None, *, seed: int) -> Harm:
    """Harm of a drifted window; ``novelty``: the model's distance threshold, if known."""
    deadly, novel = _deadly_share(comparison, seed), _novel_share(comparison, novelty)
    known = [share for share in (deadly, novel) if share is not None]
    if any(share.grown for share in known):
        return Harm(Safety.AFFECTED, deadly, novel)
    if len(known) == 2 and all(share.bounded for share in known):
        return Harm(Safety.NOT_AFFECTED, deadly, novel)
    return Harm(Safety.UNKNOWN, deadly, novel)


def _deadly_share(comparison: Comparison, seed: int) -> Share | None:
    rows = comparison.reference.rows
    known = [number for number, label in enumerate(rows.labels) if label is not None]
    labels = np.array([CLASSES.index(SafetyClass(rows.labels[n] or "")) for n in known], np.int64)
    if len(known) < LEAST_LABELLED or len(np.unique(labels)) < len(CLASSES):
        return None
    shares = with_interval(
        by_likelihood,
        comparison.night.probabilities[:MOST_ROWS],
        rows.probabilities[known][:MOST_ROWS],
        labels[:MOST_ROWS],
        level=LEVEL,
        replicates=100,
        seed=seed,
    )
    return Share(
        float(np.mean(labels == DEADLY)),
        float(shares.estimate[DEADLY]),
        float(shares.low[DEADLY]),
        float(shares.high[DEADLY]),
    )


def _novel_share(comparison: Comparison, novelty: float | None) -> Share | None:
    if novelty is None:
        return None
    count, rows = comparison.totals.novel, comparison.totals.rows
    low, high = _wilson(count, rows)
    before = float(np.mean(comparison.reference.rows.distances > novelty))
    return Share(before, count / rows, low, high)


def _wilson(count: int, rows: int) -> tuple[float, float]:
    """Wilson's 90% score interval of a share."""
    z = 1.6449
    share = count / rows
    middle = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z * np.sqrt(share * (1 - share) / rows + z * z / (4 * rows**2)) / (1 + z * z / rows)
    return float(max(middle - half, 0)), float(min(middle + half, 1))
