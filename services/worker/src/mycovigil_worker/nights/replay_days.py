"""Recompute a comparison with days: from the sketches that it names, whose hashes are checked."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from mycovigil.baselines.sketches import Span
from mycovigil.db.baseline import Baseline
from mycovigil.db.model import Model
from mycovigil.db.report import DriftReport
from mycovigil.references.feature_rows import Rows
from mycovigil.storage import Storage
from mycovigil_statistics.errors import InsufficientRows
from mycovigil_worker.days import baseline_rows, sketches
from mycovigil_worker.days.judgement import NotComparable, compared, judged_classes, pinned
from mycovigil_worker.days.scoring import Scorer
from mycovigil_worker.days.sketches import SketchedDay
from mycovigil_worker.references.novelty import NoveltyScale


@dataclass(frozen=True, slots=True)
class DaysReplay:
    """``p_days`` is none where sketches are gone; ``same_sketches``: all have the recorded hashes;
    ``rows_gone``: the test on rows cannot be made again, and ``p_rows`` is the recorded one;
    ``classes``: the predicted classes that share a level, as slices."""

    p_days: float | None
    p_rows: float | None
    same_sketches: bool
    rows_gone: bool
    classes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def p_value(self) -> float:
        """The larger of both."""
        return max((p for p in (self.p_days, self.p_rows) if p is not None), default=1.0)


def replayed(
    session: Session, storage: Storage, report: DriftReport, night: Rows, scale: NoveltyScale
) -> DaysReplay:
    """Judge again from the stored sketches; ``night``: the window's sample as it is now.

    Raises:
        Damaged: a sketch is not what was written.
        NotComparable: sketches of two geometries.
    """
    inputs = report.inputs
    recorded = inputs["sketches"]
    model = session.get_one(Model, report.model_id)
    geometry_id = session.get_one(Baseline, report.baseline_id).geometry_id
    window, days = (
        sketches.joined(session, geometry_id, model.id, _spans(recorded[side]))
        for side in ("window", "days")
    )
    same = pinned(window) == recorded["window"] and pinned(days) == recorded["days"]
    try:
        p_days = compared(window, days, inputs["seed"]).p_days
    except (NotComparable, InsufficientRows):
        p_days = None
    found = DaysReplay(p_days, None, same, rows_gone=False, classes=_classes(report, window, days))
    if (p_rows := report.p_rows) is None:
        return found
    again = None
    if night.digest(scores=True) == inputs["night_hash"]:
        again = _by_rows(session, storage, report, model, night, scale)
    return replace(found, p_rows=p_rows if again is None else again, rows_gone=again is None)


def _classes(
    report: DriftReport, window: Sequence[SketchedDay], days: Sequence[SketchedDay]
) -> list[dict[str, Any]]:
    """None of windows of several nights, nor of reports from before classes could page."""
    inputs = report.inputs
    if report.periods != 1 or len(window) != 1 or not inputs.get("classes_by_days"):
        return []
    return [one.document(inputs["slice_level"]) for one in judged_classes(window[0], days)]


def _by_rows(
    session: Session,
    storage: Storage,
    report: DriftReport,
    model: Model,
    night: Rows,
    scale: NoveltyScale,
) -> float | None:
    inputs = report.inputs
    spans = _spans(inputs["sketches"]["days"])
    as_of = datetime.fromisoformat(inputs["as_of"])
    if report.baseline_id is None:
        return None
    rows = baseline_rows.of_days(session, storage, report.baseline_id, spans, as_of)
    if rows is None:
        return None
    scorer, seed, level = Scorer(storage, model), inputs["seed"], inputs["level"]
    found = baseline_rows.compared(night, rows, scorer, scale, seed, level)
    return found.result.p_value if found else None


def _spans(days: Sequence[Sequence[Any]]) -> list[Span]:
    return [(datetime.fromisoformat(day[0]), datetime.fromisoformat(day[1])) for day in days]
