"""Retrain jobs on their way to a worker: made once an incident, sent after the commit, and made or
sent again by the tick where an alert was lost or nobody runs them."""

import uuid
from datetime import UTC, datetime, timedelta

import structlog
from kombu.exceptions import OperationalError
from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from mycovigil.db.alert import Alert, AlertKind, Incident, IncidentState
from mycovigil.db.base import new_id
from mycovigil.db.model import Model, ModelStatus
from mycovigil.db.retrain import JobState, RetrainJob
from mycovigil_worker.app import NAME, RETRAIN, app, tick_of
from mycovigil_worker.retrain import lease
from mycovigil_worker.state import State

GRACE = timedelta(minutes=1)

log = structlog.get_logger(__name__)


def ask(
    session: Session, incident_id: uuid.UUID, *, alert: str, cause: str, report_id: str | None
) -> uuid.UUID | None:
    """Make the incident's job; none if it has one, or is over since its alert went out.

    Args:
        alert: the id of the alert that asks.
    """
    stands = select(Incident.id).join(Model, Model.id == Incident.model_id).where(*_standing())
    if session.scalar(stands.where(Incident.id == incident_id)) is None:
        log.info("no retrain, the incident is over", incident=str(incident_id), alert=alert)
        return None
    return session.scalar(
        insert(RetrainJob)
        .values(
            id=new_id(),
            incident_id=incident_id,
            requested_by=f"alert {alert}",
            state=JobState.QUEUED,
            parameters={"cause": cause, "report_id": report_id},
        )
        .on_conflict_do_nothing(index_elements=[RetrainJob.incident_id])
        .returning(RetrainJob.id)
    )


def ask_for_unheard(state: State, *, now: datetime) -> list[uuid.UUID]:
    """Make the job of each standing incident whose alert went out and reached no trigger.

    A message that ends in the dead letters, or in a broker without a disk, must not cost the
    retrain. Alerts of the last tick (or :data:`GRACE`) are left alone: their messages may be on
    their way.
    """
    with state.sessions.begin() as session:
        made = [
            ask(
                session,
                incident.id,
                alert=str(alert.id),
                cause=incident.cause,
                report_id=str(alert.report_id) if alert.report_id else None,
            )
            for incident, alert in _unheard(session, now - max(tick_of(state.settings), GRACE))
        ]
    jobs = [job for job in made if job is not None]
    for job in jobs:
        log.warning("an alert was not heard, its retrain job is queued", job=str(job))
    return jobs


def _unheard(session: Session, before: datetime) -> list[tuple[Incident, Alert]]:
    """Incidents of the model in production without a job, with their first alert that asked."""
    rows = session.execute(
        select(Incident, Alert)
        .join(Alert, Alert.incident_id == Incident.id)
        .join(Model, Model.id == Incident.model_id)
        .outerjoin(RetrainJob, RetrainJob.incident_id == Incident.id)
        .where(
            RetrainJob.id.is_(None),
            *_standing(),
            Alert.kind.in_((AlertKind.OPENED, AlertKind.ESCALATED)),
            Alert.event_id.is_not(None),
            Alert.created_at < before,
        )
        .ext(distinct_on(Incident.id))
        .order_by(Incident.id, Alert.created_at)
    )
    return [(incident, alert) for incident, alert in rows]


def _standing() -> tuple[ColumnElement[bool], ...]:
    """Incidents that a new model would answer."""
    return Incident.state != IncidentState.RESOLVED, Model.status == ModelStatus.PRODUCTION


def send(state: State, job_id: uuid.UUID) -> bool:
    """Hand the job to Celery; false if the broker is away (the next tick sends it again)."""
    try:
        app.send_task(
            f"{NAME}.retrain",
            args=[str(job_id)],
            queue=RETRAIN,
            expires=max(2 * tick_of(state.settings).total_seconds(), 60),
        )
    except (OperationalError, ConnectionError) as error:
        log.warning("retrain job not sent, will be", job=str(job_id), error=str(error))
        return False
    return True


def waiting(session: Session, now: datetime) -> list[uuid.UUID]:
    """Jobs that nobody runs: queued, or running under a lease that has expired."""
    found = session.scalars(
        select(RetrainJob.id)
        .where(
            (RetrainJob.state == JobState.QUEUED)
            | ((RetrainJob.state == JobState.RUNNING) & (RetrainJob.lease_until < now))
        )
        .order_by(RetrainJob.created_at)
    )
    return list(found)


def resend_waiting(state: State) -> list[uuid.UUID]:
    """Send every job that nobody runs; taking its lease makes a second message harmless."""
    with state.sessions.begin() as session:
        for job in lease.give_up(session):
            log.error("retrain job given up", job=str(job))
        jobs = waiting(session, datetime.now(tz=UTC))
    return [job for job in jobs if send(state, job)]
