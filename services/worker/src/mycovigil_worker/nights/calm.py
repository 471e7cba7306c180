"""Incidents that end by calm: the nights since the last alarm show that the shift is gone.

A calm verdict says only that a shift was not seen. Here the nights since are pooled, and must put
what is left of the shift below half of what alarmed.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from mycovigil.baselines import baseline as baselines
from mycovigil.baselines.packed import Damaged
from mycovigil.baselines.sketches import Span
from mycovigil.db.alert import EndedBy, Incident, IncidentState
from mycovigil.db.baseline import Baseline, DaySketch
from mycovigil.db.model import Model
from mycovigil.db.report import DriftReport
from mycovigil.incidents import audit, incident_days
from mycovigil.incidents import incident as incidents
from mycovigil.incidents.open_drifts import drifts_of_production
from mycovigil_statistics.drift.days.recovery import Recovery, recovery
from mycovigil_statistics.errors import SampleError
from mycovigil_worker.days import sketches
from mycovigil_worker.days.judgement import NotComparable, compared
from mycovigil_worker.days.sketches import of_class
from mycovigil_worker.state import State

log = structlog.get_logger(__name__)


def end_by_calm(state: State) -> list[uuid.UUID]:
    """Resolve every drift of the production model whose shift is over; returns those.

    One that fails holds back none of the others.

    Raises:
        OperationalError: the database is away.
    """
    with state.sessions() as session:
        found = session.scalars(
            select(Incident.id)
            .join(Model, Model.id == Incident.model_id)
            .where(
                *drifts_of_production(),
                Incident.proof.is_(None),  # labels proved harm: features cannot refute them
            )
        ).all()
    return [identifier for identifier in found if _attempted(state, identifier)]


def _attempted(state: State, identifier: uuid.UUID) -> bool:
    try:
        return _ended(state, identifier)
    except OperationalError:
        raise
    except Exception:
        log.exception("whether a drift is over is not known", incident=str(identifier))
        return False


def _ended(state: State, identifier: uuid.UUID) -> bool:
    with state.sessions() as session:
        incident = session.get_one(Incident, identifier)
        alarm = _last_alarm(session, incident)
        found = alarm and _recovery(session, incident, alarm, state.settings.drift.seed)
    if alarm is None or not found or not found.closed:
        return False
    with state.sessions.begin() as session:
        incident = session.get_one(Incident, identifier)
        incidents.locked_model(session, incident.model_id)
        session.refresh(incident, with_for_update=True)
        newest = _last_alarm(session, incident)
        if incident.state == IncidentState.RESOLVED or newest is None or newest.id != alarm.id:
            return False  # a person, or another night, was faster
        why = _sentence(found)
        incidents.resolve(session, incident, resolution=why, ended_by=EndedBy.CALM)
        audit.record(session, who="mycovigil", action="resolved", on=incident, detail=why)
    log.info("drift ended by calm", incident=str(identifier), why=why)
    return True


def _last_alarm(session: Session, incident: Incident) -> DriftReport | None:
    """The window of the incident that alarmed and began last; of equal ones, the shortest. A week
    that began before the last night that alarmed drifts because of that night."""
    opening = session.get_one(DriftReport, incident.report_id)
    return session.scalar(
        select(DriftReport)
        .where(*incident_days.alarmed(opening))
        .order_by(DriftReport.window_start.desc(), DriftReport.periods)
        .limit(1)
    )


def _recovery(
    session: Session, incident: Incident, alarm: DriftReport, seed: int
) -> Recovery | None:
    """What is left of the shift; none where it cannot be told."""
    before = session.get(Baseline, alarm.baseline_id) if alarm.baseline_id else None
    if before is None or alarm.level is None:
        return None
    model_id, geometry_id = incident.model_id, before.geometry_id
    days = [
        (day.day_start, day.day_end)
        for day in baselines.days(session, before)
        if day.day_end <= alarm.window_start
    ]
    try:
        alarming, since, calm = (
            sketches.joined(session, geometry_id, model_id, spans)
            for spans in (_pinned(alarm), _since(session, geometry_id, alarm.window_end), days)
        )
        name = _alarming_class(alarm)
        if name is not None:
            alarming, since, calm = (of_class(side, name) for side in (alarming, since, calm))
        result = compared(alarming, calm, seed)
        views = result.alarming(alarm.level) or tuple(view.name for view in result.views[:1])
        return recovery(
            [night.sketch for night in alarming],
            [night.sketch for night in since],
            [day.sketch for day in calm],
            views,
        )
    except (Damaged, NotComparable, SampleError) as reason:
        log.debug("whether a drift is over cannot be told", reason=str(reason))
        return None


def _alarming_class(alarm: DriftReport) -> str | None:
    """The predicted class that alarmed, where the night as a whole did not."""
    if alarm.p_value is None or alarm.level is None or alarm.p_value <= alarm.level:
        return None
    return next(
        (
            one["value"]
            for one in alarm.evidence.get("slices", [])
            if "days" in one and one["verdict"] == "drift"
        ),
        None,
    )


def _pinned(alarm: DriftReport) -> list[Span]:
    """The days of the window, as its report recorded them."""
    pinned = (alarm.inputs.get("sketches") or {}).get("window", [])
    return [(datetime.fromisoformat(day[0]), datetime.fromisoformat(day[1])) for day in pinned]


def _since(session: Session, geometry_id: uuid.UUID, moment: datetime) -> Sequence[Span]:
    rows = session.execute(
        select(DaySketch.day_start, DaySketch.day_end)
        .where(
            DaySketch.geometry_id == geometry_id,
            DaySketch.model_id.is_(None),
            DaySketch.day_start >= moment,
        )
        .order_by(DaySketch.day_start)
    )
    return [(start, end) for start, end in rows]


def _sentence(found: Recovery) -> str:
    left = max(view.upper for view in found.views)
    alarming = min(view.lower for view in found.views)
    return (
        f"calm: in {found.nights_since} nights since the last alarm at most {left:.1f} of the "
        f"shift of at least {alarming:.1f} is left, in units of what days vary by"
    )
