"""Retrain jobs on their way to a worker: created once an incident, waiting for labels or queued,
sent after the commit, and created or sent again by the tick if an alert was lost or no worker runs
them."""

import uuid
from datetime import UTC, datetime, timedelta

import structlog
from kombu.exceptions import OperationalError
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from mycovigil.db.alert import Alert, AlertKind, Incident
from mycovigil.db.base import new_id
from mycovigil.db.model import Model
from mycovigil.db.retrain import JobState, RetrainJob
from mycovigil.incidents import label_progress
from mycovigil.incidents.open_drifts import drifts_of_production
from mycovigil.settings import TrainingSettings
from mycovigil_worker.app import NAME, RETRAIN, app, tick_of
from mycovigil_worker.retrain import lease
from mycovigil_worker.retrain.vertex import abandoned
from mycovigil_worker.state import State

GRACE = timedelta(minutes=1)

log = structlog.get_logger(__name__)


def create(
    session: Session,
    training: TrainingSettings,
    incident_id: uuid.UUID,
    *,
    alert: str,
    cause: str,
    report_id: str | None,
) -> RetrainJob | None:
    """Create the incident's job, queued where the drifted days have labels enough, or waiting for
    them; none if the incident has one, or was resolved since its alert was sent.

    Args:
        alert: the id of the alert that calls for it.
    """
    open_ = select(Incident).join(Model, Model.id == Incident.model_id)
    incident = session.scalar(open_.where(*drifts_of_production(), Incident.id == incident_id))
    if incident is None:
        log.info("no retrain, the incident is over", incident=str(incident_id), alert=alert)
        return None
    needed = label_progress.needed_first(session, incident, training)
    ready = label_progress.labelled(session, incident).reach(needed)
    return session.scalar(
        insert(RetrainJob)
        .values(
            id=new_id(),
            incident_id=incident_id,
            requested_by=f"alert {alert}",
            state=JobState.QUEUED if ready else JobState.WAITING_FOR_LABELS,
            parameters={"cause": cause, "report_id": report_id},
            labels_needed=needed.all,
            dangerous_needed=needed.dangerous,
            waiting_since=func.now(),
        )
        .on_conflict_do_nothing(index_elements=[RetrainJob.incident_id])
        .returning(RetrainJob)
    )


def create_missing(state: State, *, now: datetime) -> list[uuid.UUID]:
    """Create the job of each unresolved incident whose alert was sent and reached no trigger.

    A message that ends in the dead letters, or in a broker without a disk, must not cost the
    retrain. Alerts of the last tick (or :data:`GRACE`) are left alone: their messages may be on
    their way.
    """
    with state.sessions.begin() as session:
        made = [
            create(
                session,
                state.settings.training,
                incident.id,
                alert=str(alert.id),
                cause=incident.cause,
                report_id=str(alert.report_id) if alert.report_id else None,
            )
            for incident, alert in _without_job(session, now - max(tick_of(state.settings), GRACE))
        ]
        jobs = [job.id for job in made if job is not None]
    for job in jobs:
        log.warning("an alert did not reach the trigger, its retrain job is made", job=str(job))
    return jobs


def _without_job(session: Session, before: datetime) -> list[tuple[Incident, Alert]]:
    """Production's incidents without a job, each with its first alert that calls for one."""
    rows = session.execute(
        select(Incident, Alert)
        .join(Alert, Alert.incident_id == Incident.id)
        .join(Model, Model.id == Incident.model_id)
        .outerjoin(RetrainJob, RetrainJob.incident_id == Incident.id)
        .where(
            RetrainJob.id.is_(None),
            *drifts_of_production(),
            Alert.kind.in_((AlertKind.OPENED, AlertKind.ESCALATED)),
            Alert.event_id.is_not(None),
            Alert.created_at < before,
        )
        .ext(distinct_on(Incident.id))
        .order_by(Incident.id, Alert.created_at)
    )
    return [(incident, alert) for incident, alert in rows]


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


def send_abandoned(state: State) -> bool:
    """Let a worker that trains end trainings outside it that nobody waits for; only its account
    may. False where there is none."""
    with state.sessions() as session:
        left = abandoned.found(session)
    if not left:
        return False
    app.send_task(
        f"{NAME}.cancel_abandoned",
        queue=RETRAIN,
        expires=max(tick_of(state.settings).total_seconds(), 60),
    )
    return True


def waiting(session: Session, now: datetime) -> list[uuid.UUID]:
    """Jobs that no worker runs: queued, or running under a lease that has expired."""
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
    """Send every job that no worker runs; taking its lease makes a second message harmless."""
    with state.sessions.begin() as session:
        for job in lease.give_up(session):
            log.error("retrain job given up", job=str(job))
        jobs = waiting(session, datetime.now(tz=UTC))
    return [job for job in jobs if send(state, job)]
