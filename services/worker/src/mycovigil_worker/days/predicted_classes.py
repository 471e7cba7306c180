"""Predicted classes of a night: sketches of their own, and each beside the days that have it.

Photos of a class are compared with photos of other days that the model called the same. These
slices may page, at a level of their own; all others inform.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mycovigil.baselines.packed import Arrays
from mycovigil.models.safety import CLASSES
from mycovigil.references.feature_rows import Rows
from mycovigil_statistics.drift import DaySketch, DaysResult, FeatureGeometry, judge_days
from mycovigil_statistics.drift.holm import holm
from mycovigil_statistics.errors import InsufficientRows

# With fewer independent photos a class has no sketch that day.
LEAST_UNITS = 10
# With fewer days that have the class it pages nobody (counted in benchmarks/drift_slice_calm.py).
LEAST_DAYS = 7
# Without density: with it no more nights are found in which one class drifts (92 of 368 instead of
# 93, 9 worlds), and more calm ones lie below .05 (16 of 644 instead of 10; 28 days, 240 photos).
VIEWS = ("location", "leading", "oddity", "covariates")
MARK = "class"
Sketches = dict[str, DaySketch]


@dataclass(frozen=True, slots=True, eq=False)
class ClassJudged:
    """A predicted class of a night beside ``days`` days that have it; ``adjusted_p``: for all
    classes together (Holm)."""

    name: str
    night: DaySketch
    result: DaysResult
    days: int
    adjusted_p: float

    def document(self, level: float) -> dict[str, Any]:
        """As a slice of a report; ``level``: of all classes together. ``detectable``: the smallest
        effect that would have been a drift, whatever the other classes do (Holm's first step)."""
        return {
            "dimension": "predicted_class",
            "value": self.name,
            "rows": self.night.rows,
            "p_value": self.adjusted_p,
            "level": level,
            "verdict": "drift" if self.adjusted_p <= level else "calm",
            "effect": self.result.ratio,
            "detectable": self.result.detectable(level / len(CLASSES)),
            "days": self.days,
        }


def sketched(geometry: FeatureGeometry, rows: Rows) -> Sketches:
    """The features of each predicted class that has photos enough."""
    found: Sketches = {}
    for number, name in enumerate(CLASSES):
        mine = np.flatnonzero(rows.predicted == number)
        groups = [rows.groups[row] for row in mine] if rows.dependent else None
        if len(mine) < LEAST_UNITS:
            continue
        sketch = geometry.sketch(rows.features[mine], rows.covariates[mine], groups=groups)
        if sketch.units >= LEAST_UNITS:
            found[name.value] = sketch.only(*VIEWS)
    return found


def to_arrays(sketches: Mapping[str, DaySketch]) -> Arrays:
    """Arrays that lie beside those of a prediction part."""
    return {
        f"{MARK}.{name}.{key}": values
        for name, sketch in sketches.items()
        for key, values in sketch.to_arrays().items()
    }


def from_arrays(arrays: Arrays) -> Sketches:
    """Undo :func:`to_arrays`; none in parts from before classes were sketched."""
    parts: dict[str, Arrays] = {}
    for key, values in arrays.items():
        mark, _, rest = key.partition(".")
        if mark == MARK:
            name, _, inner = rest.partition(".")
            parts.setdefault(name, {})[inner] = values
    return {name: DaySketch.from_arrays(part) for name, part in parts.items()}


def judged(
    night: Mapping[str, DaySketch], days: Iterable[Mapping[str, DaySketch]]
) -> list[ClassJudged]:
    """Each class of the night that enough of the days have."""
    before = list(days)
    found: dict[str, tuple[DaysResult, int]] = {}
    for name, sketch in night.items():
        known = [day[name] for day in before if name in day]
        if len(known) < LEAST_DAYS:
            continue
        try:
            found[name] = judge_days([sketch], baseline=known), len(known)
        except InsufficientRows:
            continue
    adjusted = _adjusted([result.p_value for result, _ in found.values()])
    return [
        ClassJudged(name, night[name], result, known, p_value)
        for (name, (result, known)), p_value in zip(found.items(), adjusted, strict=True)
    ]


def _adjusted(p_values: Sequence[float]) -> list[float]:
    """By Holm for every class, judged or not: the level does not depend on tonight's photos."""
    missing = [1.0] * (len(CLASSES) - len(p_values))
    return [float(p) for p in holm([*p_values, *missing])[: len(p_values)]]
