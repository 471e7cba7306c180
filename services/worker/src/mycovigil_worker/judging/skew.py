"""Skew: production beside the training reference set, by size and not by significance.

A training set and production always differ somewhat, and with enough photos any difference is
significant. What may page is a large one: photos that a classifier tells from the training set's,
or many that lie beyond the model's novelty threshold.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mycovigil.references.feature_rows import Rows
from mycovigil_statistics import DriftResult, FittedReference
from mycovigil_statistics.drift.domain_auc import domain_auc
from mycovigil_worker.judging.window_totals import Totals
from mycovigil_worker.references.fitted import Reference
from mycovigil_worker.references.novelty import NoveltyScale

LARGE_AUC = 0.75
LARGE_SHARE = 0.10


@dataclass(frozen=True, slots=True)
class Skew:
    """``p_value`` of the exact test on rows; ``auc`` of a domain classifier; ``novel`` and
    ``novel_reference``: shares beyond the novelty threshold tonight and in the set, none where the
    threshold is not known. ``training_set``: content hash of the set."""

    p_value: float
    auc: float
    novel: float | None
    novel_reference: float | None
    training_set: str
    views: tuple[dict[str, Any], ...]

    @property
    def large(self) -> bool:
        """Whether the difference is of a size that a person should know of."""
        return self.auc >= LARGE_AUC or (self.novel is not None and self.novel >= LARGE_SHARE)

    def document(self) -> dict[str, Any]:
        """As stored in the report."""
        return asdict(self) | {
            "large": self.large,
            "auc_limit": LARGE_AUC,
            "novel_limit": LARGE_SHARE,
        }


def measured(
    reference: Reference,
    fitted: FittedReference,
    night: Rows,
    totals: Totals,
    result: DriftResult,
    scale: NoveltyScale,
    *,
    training_set: str,
    seed: int,
) -> Skew:
    """The size of the difference between a night and the training set."""
    auc = domain_auc(fitted, night.features, groups=night.dependent, seed=seed)
    novel = before = None
    if scale.threshold is not None and totals.rows:
        novel = totals.novel / totals.rows
        before = float(np.mean(reference.rows.distances > scale.threshold))
    views = tuple(
        {"name": v.name, "group": v.group, "p_value": v.p_value, "effect": v.effect}
        for v in result.views
    )
    return Skew(result.p_value, auc, novel, before, training_set, views)
