"""Which days enter the baseline: those that did not page, while no incident is open."""

from datetime import datetime

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from mycovigil.baselines import baseline as baselines
from mycovigil.baselines.baseline import EntryRule
from mycovigil.baselines.sketches import Span
from mycovigil.db.baseline import Baseline, DaySketch
from mycovigil.db.model import Model
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil_worker.days.preparation import DEMO_DAYS

RULES = {
    ReportVerdict.LEARNING.value: EntryRule.START_UP,
    ReportVerdict.CALM.value: EntryRule.CALM,
}
# A day with fewer independent units says little of what days differ by.
LEAST_UNITS = 5


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
