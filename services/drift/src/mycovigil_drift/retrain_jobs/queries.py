"""Reading retrain jobs, and adding one."""

import uuid

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mycovigil.db.retrain import JobState, RetrainJob
from mycovigil.incidents import audit
from mycovigil.problem import conflict
from mycovigil_drift import lookup
from mycovigil_drift.pagination import fetch
from mycovigil_drift.retrain_jobs.schemas import RetrainJobQuery

UNFINISHED = (JobState.QUEUED, JobState.RUNNING)
LOCK = "mycovigil manual retrain"


def page(session: Session, query: RetrainJobQuery) -> tuple[list[RetrainJob], str | None]:
    statement = select(RetrainJob)
    if query.state is not None:
        statement = statement.where(RetrainJob.state == query.state)
    if query.incident_id is not None:
        statement = statement.where(RetrainJob.incident_id == query.incident_id)
    return fetch(session, statement, (RetrainJob.created_at, RetrainJob.id), query)


def get(session: Session, job_id: uuid.UUID) -> RetrainJob:
    """Raises a 404 problem without one."""
    return lookup.one(session, RetrainJob, job_id, "retrain job")


def enqueue(session: Session, *, who: str, reason: str) -> RetrainJob:
    """A job by a person's wish; the worker's next tick takes it.

    Raises:
        Problem: 409 while another wish is still unfinished.
    """
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext(LOCK))))
    unfinished = session.scalar(
        select(RetrainJob.id).where(
            RetrainJob.incident_id.is_(None), RetrainJob.state.in_(UNFINISHED)
        )
    )
    if unfinished is not None:
        detail = f"Retrain job {unfinished} is not finished; wait for it."
        raise conflict("retrain-unfinished", detail, job_id=str(unfinished))
    job = RetrainJob(requested_by=who, state=JobState.QUEUED, parameters={"reason": reason})
    session.add(job)
    session.flush()
    audit.record(session, who=who, action="asked for a retrain", on=job, detail=reason)
    session.refresh(job)
    return job
