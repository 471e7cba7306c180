"""A window beside the days of the baseline: how unlike them it is, and whether that may page."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.orm import Session

from mycovigil.baselines import baseline as baselines
from mycovigil.baselines.baseline import LEAST_DAYS, learning
from mycovigil.baselines.packed import Damaged
from mycovigil.baselines.sketches import Span
from mycovigil.db.model import Model
from mycovigil.references.window import Window
from mycovigil_statistics.drift import DaysResult, judge_days
from mycovigil_statistics.drift.days.window import may_page
from mycovigil_statistics.errors import InsufficientRows, SampleError
from mycovigil_worker.days import baseline_rows, predicted_classes, sketches
from mycovigil_worker.days.baseline_rows import RowsCompared
from mycovigil_worker.days.predicted_classes import ClassJudged
from mycovigil_worker.days.preparation import Prepared
from mycovigil_worker.days.sketches import SketchedDay


class NotComparable(ValueError):
    """The window cannot be compared with days; the message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class DaysJudged:
    """``result`` is none while there are too few days; ``informs``: a verdict that pages nobody.

    ``window``, ``days``: what was compared, for replays. ``note``: what could not be compared.
    ``classes``: the predicted classes of a single night beside the days that have them.
    """

    baseline_id: uuid.UUID
    window: Sequence[SketchedDay]
    days: Sequence[SketchedDay]
    result: DaysResult | None
    informs: bool
    notes: list[str] = field(default_factory=list)
    rows: RowsCompared | None = None
    classes: list[ClassJudged] = field(default_factory=list)

    def class_drifted(self, level: float) -> bool:
        """Whether a predicted class is stranger than days differ; ``level``: of all of them."""
        return any(one.adjusted_p <= level for one in self.classes)

    def drifted(self, level: float) -> bool:
        """Whether the window is stranger than days differ, at this level."""
        return self.result is not None and self.result.p_value <= level

    @property
    def settled(self) -> bool:
        """Whether the days alone decide: there are too few, or the window is like them."""
        p_days = self.result.p_days if self.result else None
        return p_days is None or p_days > baseline_rows.ROWS_BELOW

    @property
    def spans(self) -> list[Span]:
        """The days that the window was compared with."""
        return [day.span for day in self.days]

    def with_rows(self, rows: RowsCompared | None) -> "DaysJudged":
        """With the exact test on rows, or a note that it could not be made."""
        if self.result is None or rows is None:
            return self.noted("rows were not compared: too few of the baseline's are left")
        return replace(self, result=self.result.with_rows(rows.result.p_value), rows=rows)

    def noted(self, note: str) -> "DaysJudged":
        """With a further note."""
        return replace(self, notes=[*self.notes, note])

    @property
    def learning(self) -> str | None:
        """ "learning, day 2 of 3" while there is no result."""
        return learning(len(self.days)) if self.result is None else None

    def inputs(self) -> dict[str, Any]:
        """Spans and hashes of all sketches that were compared."""
        return {
            "baseline_id": str(self.baseline_id),
            "window": pinned(self.window),
            "days": pinned(self.days),
        }


def judged(
    session: Session, prepared: Prepared, model: Model, window: Window, *, seed: int
) -> DaysJudged:
    """Compare the window with the days of the current baseline that lie outside of it.

    Raises:
        NotComparable: no geometry, a damaged sketch, or sketches of two geometries.
        InsufficientRows: too few independent photos in the window.
    """
    current = baselines.current(session, model.encoder_id)
    if prepared.problem or prepared.geometry_id is None or current is None:
        raise NotComparable(prepared.problem or "no reference set teaches this encoder's geometry")
    start, end = prepared.spans[0][0], window.end
    apart = [
        (day.day_start, day.day_end)
        for day in baselines.days(session, current)
        if day.day_end <= start or day.day_start >= end
    ]
    try:
        nights = sketches.joined(session, prepared.geometry_id, model.id, prepared.spans)
        days = sketches.joined(session, prepared.geometry_id, model.id, apart)
    except Damaged as reason:
        raise NotComparable(str(reason)) from reason
    if not nights:
        raise InsufficientRows("fewer than two independent photos: no day can be sketched")
    informs = window.periods > 1 and not may_page(window.periods, len(days))
    result, notes = None, []
    if len(days) >= LEAST_DAYS:
        result = compared(nights, days, seed)
        notes = [f"{view} is left out: not all days have it" for view in result.left_out]
    single = window.periods == 1 and len(nights) == 1
    classes = judged_classes(nights[0], days) if single else []
    return DaysJudged(current.id, nights, days, result, informs, notes, classes=classes)


def judged_classes(night: SketchedDay, days: Sequence[SketchedDay]) -> list[ClassJudged]:
    """The predicted classes of a night beside the days that have them.

    Raises:
        NotComparable: sketches of two geometries.
    """
    try:
        return predicted_classes.judged(night.classes, (day.classes for day in days))
    except SampleError as reason:
        raise NotComparable(str(reason)) from reason


def compared(nights: Sequence[SketchedDay], days: Sequence[SketchedDay], seed: int) -> DaysResult:
    """The test of a window by sketches alone.

    Raises:
        NotComparable: sketches of two geometries.
    """
    try:
        return judge_days(
            [one.sketch for one in nights], baseline=[one.sketch for one in days], seed=seed
        )
    except SampleError as reason:
        raise NotComparable(str(reason)) from reason


def pinned(days: Sequence[SketchedDay]) -> list[list[str]]:
    """Start, end and hashes of each day's sketch, as a report records them."""
    return [[day.span[0].isoformat(), day.span[1].isoformat(), *day.hashes] for day in days]
