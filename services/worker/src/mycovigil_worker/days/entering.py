"""Which days enter the baseline: those that did not page, while no incident is open; and which are
taken out again, because a longer window of them paged."""

from datetime import datetime

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from mycovigil.baselines import baseline as baselines
from mycovigil.baselines.baseline import DEMO_DAYS, EntryRule
from mycovigil.baselines.sketches import Span
from mycovigil.db.baseline import Baseline, DaySketch
from mycovigil.db.model import Model
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil_worker.days.preparation import LEAST_UNITS

RULES = {
    ReportVerdict.LEARNING.value: EntryRule.START_UP,
    ReportVerdict.CALM.value: EntryRule.CALM,
}


def enter(session: Session, model: Model, report: DriftReport, *, most: int) -> None:
    """Let the night's days enter the baseline that it was compared with, by the rule of its
    verdict. The caller has seen that no incident was open when the night was judged."""
    rule = RULES.get(report.verdict)
    current = baselines.current(session, model.encoder_id)
    if rule is None or report.periods != 1 or current is None:
        return
    if current.id != report.baseline_id or (model.demo and current.note != DEMO_DAYS):
        return  # a new normal was accepted meanwhile, or photos of the demo
    spans = _of_some_size(session, current, _spans(report))
    baselines.enter(session, current, spans, rule, most=most)


def withdraw(session: Session, report: DriftReport) -> int:
    """Take the days of a longer window that drifted out of the baseline that it was compared with:
    those that had entered before the week was over. Returns how many."""
    current = session.get(Baseline, report.baseline_id) if report.baseline_id else None
    if current is None or current.ended_at is not None or report.verdict != ReportVerdict.DRIFT:
        return 0
    inside = [
        day.day_start
        for day in baselines.days(session, current)
        if report.window_start <= day.day_start and day.day_end <= report.window_end
    ]
    for start in inside:
        reason = f"one of {report.periods} nights that drifted together"
        baselines.withdraw(session, current, start, who=baselines.SYSTEM, reason=reason)
    return len(inside)


def _spans(report: DriftReport) -> list[Span]:
    pinned = (report.inputs.get("sketches") or {}).get("window", [])
    return [(datetime.fromisoformat(day[0]), datetime.fromisoformat(day[1])) for day in pinned]


def _of_some_size(session: Session, current: Baseline, spans: list[Span]) -> list[Span]:
    rows = session.execute(
        select(DaySketch.day_start, DaySketch.day_end).where(
            DaySketch.geometry_id == current.geometry_id,
            DaySketch.model_id.is_(None),
            DaySketch.units >= LEAST_UNITS,
            tuple_(DaySketch.day_start, DaySketch.day_end).in_(spans),
        )
    )
    return sorted((start, end) for start, end in rows)
