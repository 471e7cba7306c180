"""Windows that a person asked for: judged by the tick, shown like any report, paging nobody."""

import uuid
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from mycovigil.db.report import UNJUDGED, DriftReport, ReportRequest
from mycovigil.references.window import Window, asked, index_of
from mycovigil_worker.nights import nightly
from mycovigil_worker.nights.failures import first_line
from mycovigil_worker.nights.judge import NO_REFERENCE
from mycovigil_worker.nights.levels import levels_of, nightly_level
from mycovigil_worker.nights.model_lock import try_model_lock
from mycovigil_worker.nights.outcome import Origin
from mycovigil_worker.state import State

log = structlog.get_logger(__name__)


def drain(state: State, *, now: datetime) -> int:
    """Answer every waiting request whose window is over; returns how many."""
    border = now - nightly.grace_of(state.settings)
    with state.sessions() as session:
        waiting = session.scalars(
            select(ReportRequest.id)
            .where(ReportRequest.handled_at.is_(None), ReportRequest.window_end <= border)
            .order_by(ReportRequest.created_at)
        ).all()
    return sum(_answer(state, identifier, now) for identifier in waiting)


def _answer(state: State, identifier: uuid.UUID, now: datetime) -> bool:
    with state.sessions.begin() as session:
        request = session.get(
            ReportRequest, identifier, with_for_update={"skip_locked": True, "read": False}
        )
        if request is None or request.handled_at is not None:
            return False
        if not try_model_lock(session, request.model_id):
            return False
        request.handled_at = now
        try:
            with session.begin_nested():
                report = _report_for(session, state, request)
        except (ArithmeticError, ValueError, DataError) as error:  # a window out of all time
            log.exception("a request cannot be answered", request=str(identifier))
            request.problem = f"this window cannot be judged: {first_line(error)}"
            return True
        request.report_id = report.id if report else None
        request.problem = None if report else NO_REFERENCE
    return True


def _report_for(session: Session, state: State, request: ReportRequest) -> DriftReport | None:
    """The report of the window, made now if there is none that was judged; none without a set."""
    span = (request.window_start, request.window_end)
    earlier = nightly.existing(session, request.model_id, span)
    if earlier is not None and earlier.verdict not in UNJUDGED:
        return earlier
    window = asked(*span, state.settings.period)
    commission = nightly.commissioned(
        session, request.model_id, window, level_of(window, state), Origin.REQUEST
    )
    if commission.reference_set_id is None:
        return None
    return nightly.make(session, state, commission)


def level_of(window: Window, state: State) -> float:
    """The plan's level for this window, or a night's level where the plan has no such window."""
    period = state.settings.period
    drift = state.settings.drift
    levels = levels_of(index_of(window.end - period, period), drift)
    return levels.get(window.periods, nightly_level(drift))
