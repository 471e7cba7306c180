"""Reading incidents, and the walk along what followed from one."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.alert import Alert, Incident
from mycovigil.db.message import OutboxMessage
from mycovigil.db.model import Model, Promotion
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.db.retrain import RetrainJob
from mycovigil_drift import lookup
from mycovigil_drift.incidents.schemas import IncidentQuery
from mycovigil_drift.models import queries as models
from mycovigil_drift.pagination import fetch


@dataclass(frozen=True, slots=True)
class Story:
    """Report, alerts, events, retrain job, candidate, promotions: the loop of one incident."""

    incident: Incident
    model: Model
    report: DriftReport
    """The night that opened it."""
    cause: DriftReport
    """The night that explains it best: its newest drift."""
    alerts: Sequence[Alert]
    events: Sequence[OutboxMessage]
    job: RetrainJob | None
    candidate: Model | None
    promotions: Sequence[Promotion]


def page(session: Session, query: IncidentQuery) -> tuple[list[Incident], str | None]:
    statement = select(Incident)
    if query.state is not None:
        statement = statement.where(Incident.state == query.state)
    if query.model is not None:
        model = models.find(session, query.model)
        statement = statement.where(Incident.model_id == model.id)
    return fetch(session, statement, (Incident.opened_at, Incident.id), query)


def story(session: Session, incident_id: uuid.UUID) -> Story:
    """An incident and all that followed.

    Raises:
        Problem: 404.
    """
    incident = lookup.one(session, Incident, incident_id, "incident")
    alerts = session.scalars(
        select(Alert).where(Alert.incident_id == incident_id).order_by(Alert.created_at, Alert.id)
    ).all()
    job = session.scalar(select(RetrainJob).where(RetrainJob.incident_id == incident_id))
    candidate = session.get(Model, job.model_id) if job and job.model_id else None
    report = session.get_one(DriftReport, incident.report_id)
    return Story(
        incident=incident,
        model=session.get_one(Model, incident.model_id),
        report=report,
        cause=explanation(session, incident) or report,
        alerts=alerts,
        events=_events(session, alerts),
        job=job,
        candidate=candidate,
        promotions=_promotions(session, candidate),
    )


def explanation(session: Session, incident: Incident) -> DriftReport | None:
    """The newest drift of the incident's time, the longest window last."""
    opening = session.get_one(DriftReport, incident.report_id)
    during = DriftReport.window_end >= opening.window_end
    if incident.resolved_at is not None:
        during = during & (DriftReport.created_at <= incident.resolved_at)
    return session.scalar(
        select(DriftReport)
        .where(
            DriftReport.model_id == incident.model_id,
            DriftReport.verdict == ReportVerdict.DRIFT,
            during,
        )
        .order_by(DriftReport.window_end.desc(), DriftReport.periods)
        .limit(1)
    )


def _events(session: Session, alerts: Sequence[Alert]) -> Sequence[OutboxMessage]:
    sent = [alert.event_id for alert in alerts if alert.event_id is not None]
    return session.scalars(
        select(OutboxMessage).where(OutboxMessage.id.in_(sent)).order_by(OutboxMessage.created_at)
    ).all()


def _promotions(session: Session, candidate: Model | None) -> Sequence[Promotion]:
    if candidate is None:
        return []
    return session.scalars(
        select(Promotion)
        .where(Promotion.model_id == candidate.id)
        .order_by(Promotion.created_at, Promotion.id)
    ).all()
