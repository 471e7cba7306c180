"""Nightly run and catch-up are one thing: make every report that should exist and does not.

In order of time, one worker a model at a time (`model_lock`), with the unique key on (model,
reference set, window) behind it: running twice changes nothing.
"""

import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import structlog
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.references import reference_set
from mycovigil.references.window import Window
from mycovigil.settings import Settings
from mycovigil_worker.days.settling import settle
from mycovigil_worker.judging.judged_window import PLANNED, Origin, ReportSpec
from mycovigil_worker.judging.sample import first_row
from mycovigil_worker.nights.make_report import make
from mycovigil_worker.nights.model_lock import model_lock
from mycovigil_worker.nights.schedule import Planned, Span, planned
from mycovigil_worker.nights.serving_periods import ServingPeriod, serving_periods
from mycovigil_worker.report import write
from mycovigil_worker.state import State

log = structlog.get_logger(__name__)


def run(
    state: State, *, now: datetime, ask_help: Callable[[], object] | None = None
) -> list[uuid.UUID]:
    """Make what is due at ``now``; returns the new reports. Cheap where nothing is due.

    Args:
        ask_help: called where nights of more than one model are due, for another worker.
    """
    with state.sessions() as session:
        periods = serving_periods(session)
        due = {period: list(due_of(session, state, period, now)) for period in periods}
    if ask_help is not None and sum(bool(windows) for windows in due.values()) > 1:
        ask_help()
    made: list[uuid.UUID] = []
    for period, windows in due.items():
        try:
            made += _make_all(state, period.model_id, windows, now)
        except Exception:  # an outage, or something of this model alone
            log.exception(
                "nights not judged, the next tick tries again", model=str(period.model_id)
            )
    return made


def due_of(
    session: Session, state: State, period: ServingPeriod, now: datetime
) -> Iterator[Planned]:
    """Windows of a serving period that lack a report, in order."""
    drift = state.settings.drift
    horizon = now - drift.catch_up_periods * state.settings.period
    if period.end is not None and period.end < horizon:
        return
    first = first_row(session, period.model_id, period.start)
    if first is not None:
        since = horizon - state.settings.period
        reported = _reported(session, period.model_id, since, now)
        yield from planned(period, first, reported, now, drift)


def grace_of(settings: Settings) -> timedelta:
    """How long after its end a window is left alone, for rows that come late."""
    return timedelta(seconds=settings.drift.grace_seconds)


def _reported(session: Session, model_id: uuid.UUID, since: datetime, now: datetime) -> set[Span]:
    """Windows that are done: not those without a reference set, nor failed ones to retry now."""
    failed = DriftReport.verdict == ReportVerdict.FAILED
    rows = session.execute(
        select(DriftReport.window_start, DriftReport.window_end).where(
            DriftReport.model_id == model_id,
            DriftReport.window_end > since,
            DriftReport.origin.in_(PLANNED),
            DriftReport.verdict != ReportVerdict.NO_REFERENCE,
            or_(~failed, DriftReport.retry_at.is_(None), DriftReport.retry_at > now),
        )
    )
    return {(start, end) for start, end in rows}


def _make_all(
    state: State, model_id: uuid.UUID, windows: list[Planned], now: datetime
) -> list[uuid.UUID]:
    made: list[uuid.UUID] = []
    for item in windows:
        with model_lock(state.engine, model_id) as held:
            if not held:
                break  # another worker is at this model's nights
            report = _make(state, model_id, item, now)
            settle(state, model_id)
        if report is not None:
            made.append(report.id)
    return made


def _make(state: State, model_id: uuid.UUID, item: Planned, now: datetime) -> DriftReport | None:
    """The window's report; none if another worker or a backfill was faster, or nothing changed."""
    with state.sessions.begin() as session:
        spec = spec_for(session, model_id, item.window, item.level, Origin.NIGHTLY)
        earlier = existing(session, model_id, (item.window.start, item.window.end))
        if earlier is not None and not _is_due_again(earlier, spec, now):
            if earlier.origin in PLANNED:
                return None
            write.adopt(session, earlier, state.settings.drift)
            return earlier
    return make(state, spec, now)


def _is_due_again(earlier: DriftReport, spec: ReportSpec, now: datetime) -> bool:
    """Whether a night that had no reference set has one now, or one that failed is retried."""
    if earlier.verdict == ReportVerdict.NO_REFERENCE:
        return spec.reference_set_id is not None
    if earlier.verdict == ReportVerdict.FAILED:
        requested = earlier.origin == Origin.REQUEST  # the nightly run has not tried yet
        return requested or (earlier.retry_at is not None and earlier.retry_at <= now)
    return False


def spec_for(
    session: Session, model_id: uuid.UUID, window: Window, level: float, origin: Origin
) -> ReportSpec:
    """The report to make of a window, against the set that serves at its middle."""
    row = reference_set.active(session, window.middle).get(model_id)
    slice_level = level if window.periods <= 1 else 0.0
    return ReportSpec(model_id, row.id if row else None, window, level, slice_level, origin)


def existing(session: Session, model_id: uuid.UUID, span: Span) -> DriftReport | None:
    """The newest report of this very window, of any origin and reference set."""
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
