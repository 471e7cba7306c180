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
from mycovigil_statistics.drift.domain_auc import area_error, domain_auc
from mycovigil_statistics.safety.proportions import score_interval
from mycovigil_worker.judging.window_totals import Totals
from mycovigil_worker.references.fitted import Reference
from mycovigil_worker.references.novelty import NoveltyScale

LARGE_AUC = 0.75
# Of lower bounds that hold with 95%: normal quantile, and level of a two-sided interval.
SURE, LEVEL = 1.645, 0.90
LARGE_SHARE = 0.10


@dataclass(frozen=True, slots=True)
class Skew:
    """``p_value`` of the exact test on rows; ``auc`` of a domain classifier, ``auc_low`` its lower
    95% bound; ``novel`` and ``novel_reference``: shares beyond the novelty threshold tonight and in
    the set, ``novel_low`` the lower bound of tonight's, none where the threshold is not known.
    ``training_set``: content hash of the set."""

    p_value: float
    auc: float
    auc_low: float
    novel: float | None
    novel_low: float | None
    novel_reference: float | None
    training_set: str
    views: tuple[dict[str, Any], ...]

    @property
    def large(self) -> bool:
        """Whether the difference is surely of a size that a person should know of: few photos of
        an ordinary night may look like a large one."""
        return self.auc_low >= LARGE_AUC or (self.novel_low or 0.0) >= LARGE_SHARE

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
    low = auc - SURE * area_error(auc, result.units, result.pool_units)
    novel = least = before = None
    if scale.threshold is not None and totals.rows:
        novel = totals.novel / totals.rows
        # As many independent photos as the sample has a row.
        units = max(1, round(totals.rows * result.units / max(len(night), 1)))
        least = score_interval(round(novel * units), units, LEVEL).low
        before = float(np.mean(reference.rows.distances > scale.threshold))
    views = tuple(
        {"name": v.name, "group": v.group, "p_value": v.p_value, "effect": v.effect}
        for v in result.views
    )
    return Skew(result.p_value, auc, low, novel, least, before, training_set, views)
