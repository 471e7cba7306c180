"""One incident with everything that followed from it. ``/v1/incidents/{id}``."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.alert import Alert, Incident
from mycovigil.db.message import OutboxMessage
from mycovigil.db.model import Model, Promotion
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.db.retrain import RetrainJob
from mycovigil_drift import lookup
from mycovigil_drift.access import Reader
from mycovigil_drift.resources.alerts import AlertOut
from mycovigil_drift.resources.incidents import IncidentOut
from mycovigil_drift.resources.models import PromotionOut
from mycovigil_drift.resources.retrain_jobs import RetrainJobOut
from mycovigil_drift.session import Reading

router = APIRouter(prefix="/v1/incidents", tags=["incidents"])


class IncidentStory(IncidentOut):
    """The incident with its alerts, events, retrain job and promotions."""

    alerts: list[AlertOut]
    events: list[dict[str, Any]]
    retrain_job: RetrainJobOut | None
    promotions: list[PromotionOut]


@dataclass(frozen=True, slots=True)
class Story:
    """Rows of one incident. ``model``: that which it is of now, ``first_model``: of which it was
    opened; ``report``: the night that opened it; ``cause``: its newest drift, which explains it
    best; ``candidate``: the model that its retrain job made."""

    incident: Incident
    model: Model
    first_model: Model
    report: DriftReport
    cause: DriftReport
    alerts: Sequence[Alert]
    events: Sequence[OutboxMessage]
    job: RetrainJob | None
    candidate: Model | None
    promotions: Sequence[Promotion]


def story(session: Session, incident_id: uuid.UUID) -> Story:
    """An incident and everything that followed from it.

    Raises:
        Problem: 404 if there is no such incident.
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
        first_model=session.get_one(Model, report.model_id),
        report=report,
        cause=explanation(session, incident) or report,
        alerts=alerts,
        events=_events(session, alerts),
        job=job,
        candidate=candidate,
        promotions=_promotions(session, candidate),
    )


def explanation(session: Session, incident: Incident) -> DriftReport | None:
    """The newest drift report of the incident's time; of equal ends, the shortest window."""
    opening = session.get_one(DriftReport, incident.report_id)
    during = DriftReport.window_end >= opening.window_end
    if incident.resolved_at is not None:
        during = during & (DriftReport.created_at <= incident.resolved_at)
    return session.scalar(
        select(DriftReport)
        .where(
            DriftReport.model_id.in_((opening.model_id, incident.model_id)),
            DriftReport.verdict == ReportVerdict.DRIFT,
            during,
        )
        .order_by(DriftReport.window_end.desc(), DriftReport.periods)
        .limit(1)
    )


def _events(session: Session, alerts: Sequence[Alert]) -> Sequence[OutboxMessage]:
    published = [alert.event_id for alert in alerts if alert.event_id is not None]
    messages = select(OutboxMessage).where(OutboxMessage.id.in_(published))
    return session.scalars(messages.order_by(OutboxMessage.created_at)).all()


def _promotions(session: Session, candidate: Model | None) -> Sequence[Promotion]:
    if candidate is None:
        return []
    promotions = select(Promotion).where(Promotion.model_id == candidate.id)
    return session.scalars(promotions.order_by(Promotion.created_at, Promotion.id)).all()


@router.get("/{incident_id}", summary="An incident and everything that followed from it")
def get_incident(incident_id: uuid.UUID, session: Reading, _: Reader) -> IncidentStory:
    found = story(session, incident_id)
    return IncidentStory(
        **IncidentOut.model_validate(found.incident).model_dump(),
        alerts=[AlertOut.model_validate(alert) for alert in found.alerts],
        events=[message.event for message in found.events],
        retrain_job=RetrainJobOut.model_validate(found.job) if found.job else None,
        promotions=[PromotionOut.model_validate(row) for row in found.promotions],
    )
