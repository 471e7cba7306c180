"""Trainings that still run on Vertex AI although their retrain job needs them no more."""

import uuid
from datetime import timedelta

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from mycovigil.db.retrain import JobState, RetrainJob
from mycovigil_worker.retrain.vertex.custom_jobs import CustomJobs
from mycovigil_worker.retrain.vertex.refusal import Away, Refused
from mycovigil_worker.state import State

# A request to create a job that was on its way when its retrain job was cancelled has arrived.
ARRIVED = timedelta(minutes=5)
FOLLOWED = (JobState.QUEUED, JobState.RUNNING)
log = structlog.get_logger(__name__)


def found(session: Session) -> dict[uuid.UUID, int]:
    """Retrain jobs that nobody follows and that may train on Vertex AI, with their trainings."""
    rows = session.execute(
        select(RetrainJob.id, RetrainJob.trainings).where(
            RetrainJob.remote_open, RetrainJob.state.not_in(FOLLOWED)
        )
    )
    return {row.id: row.trainings for row in rows}


def cancel(state: State) -> list[str]:
    """Cancel them; returns the names of the custom jobs. What cannot be asked now is asked again by
    the next tick."""
    with state.sessions() as session:
        left = found(session)
    if not left:
        return []
    jobs = CustomJobs(state.settings.vertex)
    cancelled: list[str] = []
    for job_id, trainings in left.items():
        try:
            cancelled += _cancelled(state, jobs, job_id, trainings)
        except (Away, Refused) as reason:
            log.error("a training on Vertex AI goes on", job=str(job_id), error=str(reason))
    return cancelled


def _cancelled(state: State, jobs: CustomJobs, job_id: uuid.UUID, trainings: int) -> list[str]:
    """Only jobs of trainings that were recorded: the retrain job may be running again by now."""
    alive = [job.name for job in jobs.of_job(job_id) if job.training < trainings and not job.over]
    for name in alive:
        jobs.cancel(name)
        log.info("training on Vertex AI cancelled", job=str(job_id), name=name)
    if not alive:
        with state.sessions.begin() as session:
            session.execute(
                update(RetrainJob)
                .where(
                    RetrainJob.id == job_id,
                    RetrainJob.trainings == trainings,
                    RetrainJob.state.not_in(FOLLOWED),
                    func.coalesce(RetrainJob.finished_at, RetrainJob.created_at)
                    < func.now() - ARRIVED,
                )
                .values(remote_open=False)
            )
    return alive
