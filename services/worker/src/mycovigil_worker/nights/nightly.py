"""Nightly and catch-up are one thing: make every report that should exist and does not.

One transaction a report, in order of time, one worker a model at a time (an advisory lock), and
the unique key on (model, reference set, window) behind it: running twice changes nothing.
"""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from mycovigil.db.model import Model
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.references import reference_set
from mycovigil.references.window import Window
from mycovigil.settings import Settings
from mycovigil_worker.nights import novelty
from mycovigil_worker.nights.failures import is_outage, said
from mycovigil_worker.nights.judge import Judging
from mycovigil_worker.nights.model_lock import try_model_lock
from mycovigil_worker.nights.outcome import PLANNED, Commission, Origin, Outcome
from mycovigil_worker.nights.sample import first_row
from mycovigil_worker.nights.schedule import Planned, Span, planned
from mycovigil_worker.nights.serving_periods import Tenure, tenures
from mycovigil_worker.report import write
from mycovigil_worker.state import State

log = structlog.get_logger(__name__)


def run(state: State, *, now: datetime) -> list[uuid.UUID]:
    """Make what is due at ``now``; returns the new reports. Cheap where nothing is due."""
    with state.sessions() as session:
        served = tenures(session)
        due = {tenure: list(due_of(session, state, tenure, now)) for tenure in served}
    made: list[uuid.UUID] = []
    for tenure, windows in due.items():
        try:
            made += _make_all(state, tenure.model_id, windows)
        except (DBAPIError, OSError):
            log.exception("nights not judged, will be", model=str(tenure.model_id))
    return made


def due_of(session: Session, state: State, tenure: Tenure, now: datetime) -> Iterator[Planned]:
    """Windows of a tenure that lack a report, in order."""
    drift = state.settings.drift
    horizon = now - drift.catch_up_periods * state.settings.period
    if tenure.end is not None and tenure.end < horizon:
        return
    first = first_row(session, tenure.model_id, tenure.start)
    if first is not None:
        reported = _reported(session, tenure.model_id, horizon - state.settings.period)
        yield from planned(tenure, first, reported, now, drift)


def grace_of(settings: Settings) -> timedelta:
    """How long after its end a window is left alone, for rows that come late."""
    return timedelta(seconds=settings.drift.grace_seconds)


def _reported(session: Session, model_id: uuid.UUID, since: datetime) -> set[Span]:
    rows = session.execute(
        select(DriftReport.window_start, DriftReport.window_end).where(
            DriftReport.model_id == model_id,
            DriftReport.window_end > since,
            DriftReport.origin.in_(PLANNED),
            DriftReport.verdict != ReportVerdict.NO_REFERENCE,
        )
    )
    return {(start, end) for start, end in rows}


def _make_all(state: State, model_id: uuid.UUID, windows: list[Planned]) -> list[uuid.UUID]:
    made = []
    for item in windows:
        with state.sessions.begin() as session:
            if not try_model_lock(session, model_id):
                break  # another worker is at this model's nights
            found = _make(session, state, model_id, item)
            if found is not None:
                made.append(found.id)
    return made


def _make(session: Session, state: State, model_id: uuid.UUID, item: Planned) -> DriftReport | None:
    """The window's report; none if another worker or a backfill was faster, or there is nothing
    new to say."""
    earlier = existing(session, model_id, (item.window.start, item.window.end))
    asked = commissioned(session, model_id, item.window, item.level, Origin.NIGHTLY)
    if earlier is None or _answerable(earlier, asked):
        return make(session, state, asked)
    if earlier.origin in PLANNED:
        return None
    write.adopt(session, earlier)
    return earlier


def _answerable(earlier: DriftReport, asked: Commission) -> bool:
    """Whether a night that had no reference set has one now."""
    unanswered = earlier.verdict == ReportVerdict.NO_REFERENCE
    return unanswered and asked.reference_set_id is not None


def commissioned(
    session: Session, model_id: uuid.UUID, window: Window, level: float, origin: Origin
) -> Commission:
    """The report to make of a window, against the set that serves at its middle."""
    row = reference_set.active(session, window.middle).get(model_id)
    slice_level = level if window.periods <= 1 else 0.0
    return Commission(model_id, row.id if row else None, window, level, slice_level, origin)


def make(session: Session, state: State, commission: Commission) -> DriftReport:
    """Judge and write in the caller's transaction. A crash of the judging itself becomes a
    ``failed`` report, so that one poisoned night cannot hold back those after it."""
    model = session.get_one(Model, commission.model_id)
    drift = state.settings.drift
    scale = novelty.scale_of(state.storage, model)
    as_of = session.scalar(select(func.clock_timestamp())) or datetime.now(tz=UTC)
    try:
        with session.begin_nested():
            judging = Judging(session, state.storage, drift, commission, scale, as_of)
            outcome = judging.outcome()
            return _logged(write.write(session, state.storage, drift, commission, outcome), model)
    except Exception as error:
        if is_outage(error):
            raise
        log.exception("judging crashed", model=model.version, window=str(commission.window))
        problem = f"judging crashed: {said(error)}"
        failed = Outcome(ReportVerdict.FAILED, as_of, problem=problem)
        return write.write(session, state.storage, drift, commission, failed)


def existing(session: Session, model_id: uuid.UUID, span: Span) -> DriftReport | None:
    """The report of this very window, whoever asked for it and whatever it was judged against."""
    return session.scalar(
        select(DriftReport)
        .where(
            DriftReport.model_id == model_id,
            DriftReport.window_start == span[0],
            DriftReport.window_end == span[1],
        )
        .order_by(DriftReport.created_at.desc())
        .limit(1)
    )


def _logged(row: DriftReport, model: Model) -> DriftReport:
    log.info(
        "window judged",
        model=model.version,
        start=row.window_start.isoformat(),
        periods=row.periods,
        verdict=row.verdict,
        p_value=row.p_value,
        rows=row.rows,
        cause=row.cause,
    )
    return row
