"""Retrain jobs on their way to a worker: sent after the commit, sent again if nobody runs them."""

import uuid
from datetime import UTC, datetime

import structlog
from kombu.exceptions import OperationalError
from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.retrain import JobState, RetrainJob
from mycovigil_worker import lease
from mycovigil_worker.app import NAME, RETRAIN, app, tick_of
from mycovigil_worker.state import State

log = structlog.get_logger(__name__)


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
