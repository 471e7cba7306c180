"""Slices of a night: one client, one predicted class, one hour, one app version.

A predicted class that enough of the baseline's days have is compared with these, and may raise an
alarm (`mycovigil_worker.days.predicted_classes`). All others are compared with the reference set,
and inform.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycovigil.models.safety import CLASSES
from mycovigil.references.feature_rows import Rows
from mycovigil_statistics import FittedReference
from mycovigil_statistics.drift.slices import PREDICTED_CLASS, SliceResult, judge_slices
from mycovigil_worker.days.predicted_classes import ClassJudged

# Of slices of a night that drifted as a whole: they raise no alarm, they show where.
WHERE_LEVEL = 0.05
WHERE_PERMUTATIONS = 999


@dataclass(frozen=True, slots=True)
class Slices:
    """All slices of a night: ``classes`` share ``level`` and may raise an alarm."""

    found: tuple[SliceResult, ...] = ()
    classes: tuple[ClassJudged, ...] = ()
    level: float = 0.0

    def documents(self) -> list[dict[str, Any]]:
        """As stored in the report; ``p_value`` is adjusted for all with the same level (Holm), and
        ``days`` counts the days that the slice was compared with."""
        paging = [one.document(self.level) for one in self.classes]
        known = {one["value"] for one in paging}
        others = [_document(one) for one in self.found]
        inform = [
            one
            for one in others
            if one["dimension"] != PREDICTED_CLASS or one["value"] not in known
        ]
        return sorted(paging, key=lambda one: float(one["p_value"])) + inform


def judged(
    fitted: FittedReference,
    night: Rows,
    novelty: NDArray[np.float32] | None,
    *,
    level: float,
    drifted: bool,
    seed: int,
    paging: Collection[str] = (),
    classes: Sequence[ClassJudged] = (),
) -> Slices:
    """Judge all slices; of a dimension with one value there are none, and none at level 0.

    ``novelty``: (n, s) scores of the night's rows, if they have any; ``paging``: in a replay, the
    dimensions that shared ``level`` in the report's time; ``classes``: judged beside days.
    """
    if level <= 0:
        return Slices()
    paging_level = level
    level = WHERE_LEVEL if drifted else level
    found = judge_slices(
        fitted,
        *night.arrays,
        slices={n: values for n, values in night.slices.items() if len(set(values)) > 1},
        level=level,
        paging=paging,
        novelty=novelty,
        groups=night.dependent,
        seed=seed,
        permutations=WHERE_PERMUTATIONS if drifted else None,
    )
    return Slices(found, tuple(classes), paging_level)


def _document(found: SliceResult) -> dict[str, Any]:
    views = found.result.views if found.result else ()
    verdict = "drift" if found.drifted else "calm"
    return {
        "dimension": found.dimension,
        "value": _value(found),
        "rows": found.rows,
        "p_value": found.adjusted_p,
        "level": found.level,
        "verdict": verdict if found.result else "insufficient",
        "effect": max((view.effect for view in views), default=None),
    }


def _value(found: SliceResult) -> str:
    if found.dimension == PREDICTED_CLASS:
        return CLASSES[int(str(found.value))].value
    return str(found.value)
