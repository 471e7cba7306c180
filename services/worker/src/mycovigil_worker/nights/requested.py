"""Windows that a person requested: judged by the tick, shown like any report, without alerts."""

import uuid
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.exc import DataError, OperationalError

from mycovigil.db.report import UNJUDGED, DriftReport, ReportRequest
from mycovigil.references.window import Window
from mycovigil_worker.judging.failures import first_line
from mycovigil_worker.judging.judge import NO_REFERENCE
from mycovigil_worker.judging.judged_window import Origin
from mycovigil_worker.nights import nightly
from mycovigil_worker.nights.levels import levels_of, nightly_level
from mycovigil_worker.nights.make_report import make
from mycovigil_worker.nights.model_lock import model_lock
from mycovigil_worker.state import State

log = structlog.get_logger(__name__)


def drain(state: State, *, now: datetime) -> int:
    """Answer every waiting request whose window is over; returns how many.

    One that fails holds back none of the others.

    Raises:
        OperationalError: the database is away.
    """
    border = now - nightly.grace_of(state.settings)
    with state.sessions() as session:
        waiting = session.scalars(
            select(ReportRequest)
            .where(ReportRequest.handled_at.is_(None), ReportRequest.window_end <= border)
            .order_by(ReportRequest.created_at)
        ).all()
    return sum(_attempted(state, request, now) for request in waiting)


def _attempted(state: State, request: ReportRequest, now: datetime) -> bool:
    try:
        return _answer(state, request, now)
    except OperationalError:
        raise
    except Exception:  # a file that cannot be read, for instance
        log.exception("a request is not answered, the next tick tries again", id=str(request.id))
        return False


def _answer(state: State, request: ReportRequest, now: datetime) -> bool:
    """Judge the request's window, then write the answer; false if another worker does."""
    with model_lock(state.engine, request.model_id) as held:
        if not held or not _waits(state, request.id):
            return False
        report, problem = _judged(state, request, now)
        with state.sessions.begin() as session:
            row = session.get_one(ReportRequest, request.id, with_for_update=True)
            row.handled_at = now
            row.report_id, row.problem = report, problem
    return True


def _waits(state: State, identifier: uuid.UUID) -> bool:
    """Whether nobody has answered since the requests were listed."""
    with state.sessions() as session:
        request = session.get(ReportRequest, identifier)
        return request is not None and request.handled_at is None


def _judged(
    state: State, request: ReportRequest, now: datetime
) -> tuple[uuid.UUID | None, str | None]:
    """The report's id, or why there is none."""
    try:
        report = _report_for(state, request, now)
    except (ArithmeticError, ValueError, DataError) as error:  # a window out of all time
        log.exception("a request cannot be answered", request=str(request.id))
        return None, f"this window cannot be judged: {first_line(error)}"
    return (report.id, None) if report else (None, NO_REFERENCE)


def _report_for(state: State, request: ReportRequest, now: datetime) -> DriftReport | None:
    """The report of the window, made now if there is none that was judged; none without a set."""
    span = (request.window_start, request.window_end)
    with state.sessions() as session:
        earlier = nightly.existing(session, request.model_id, span)
        if earlier is not None and earlier.verdict not in UNJUDGED:
            return earlier
        window = state.settings.drift.nights.asked(*span)
        level = level_of(window, state)
        spec = nightly.spec_for(session, request.model_id, window, level, Origin.REQUEST)
    if spec.reference_set_id is None:
        return None
    made = make(state, spec, now)
    if made is None:
        with state.sessions() as session:  # somebody without the lock was faster
            return nightly.existing(session, request.model_id, span)
    return made


def level_of(window: Window, state: State) -> float:
    """The schedule's level for this window, or a night's level if it has no such window."""
    drift = state.settings.drift
    last = drift.nights.index_of(window.end) - 1
    levels = levels_of(last, drift)
    return levels.get(window.periods, nightly_level(drift))
