"""The retrain job of an incident follows it: cancelled at its end, waiting again if it reopens."""

import uuid

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from mycovigil.db.alert import Incident
from mycovigil.db.model import Model, ModelStatus
from mycovigil.db.retrain import JobState, RetrainJob
from mycovigil.incidents import label_progress
from mycovigil.incidents.label_progress import Specimens

UNFINISHED = (JobState.WAITING_FOR_LABELS, JobState.QUEUED, JobState.RUNNING)
# Candidates that passed the gate and that no person has promoted.
UNDECIDED = (ModelStatus.CANDIDATE, ModelStatus.SHADOW)
# What a cancelled job's row says. Its training is over: a later one is another.
CANCELLED = {
    RetrainJob.state: JobState.CANCELLED,
    RetrainJob.trainings: RetrainJob.trainings + 1,
    RetrainJob.lease_until: None,
    RetrainJob.finished_at: func.now(),
}


def cancel(session: Session, incident: Incident) -> None:
    """Cancel the incident's job, whatever it was doing: a worker that runs it loses its lease, and
    stops the training."""
    session.execute(
        update(RetrainJob)
        .where(RetrainJob.incident_id == incident.id, RetrainJob.state.in_(UNFINISHED))
        .values(CANCELLED)
    )


def cancel_job(session: Session, job_id: uuid.UUID) -> bool:
    """Cancel one job, as :func:`cancel` does; false if it has ended already."""
    cancelled = session.scalar(
        update(RetrainJob)
        .where(RetrainJob.id == job_id, RetrainJob.state.in_(UNFINISHED))
        .values(CANCELLED)
        .returning(RetrainJob.id)
    )
    return cancelled is not None


def taught(session: Session, incident: Incident, model: Model) -> bool:
    """Whether the model learned from labels of the incident's days: its job made it, and had waited
    until there were enough; or a person's job did, which began when there were as many."""
    waiting = session.scalar(
        select(RetrainJob).where(
            RetrainJob.incident_id == incident.id, RetrainJob.labels_needed.is_not(None)
        )
    )
    if waiting is None:
        return False
    if waiting.model_id == model.id:
        return True
    asked = session.scalar(
        select(RetrainJob).where(RetrainJob.incident_id.is_(None), RetrainJob.model_id == model.id)
    )
    if asked is None or asked.started_at is None:
        return False
    needed = Specimens(waiting.labels_needed or 1, waiting.dangerous_needed or 0)
    return label_progress.labelled(session, incident, before=asked.started_at).reach(needed)


def begin_again(session: Session, incident: Incident) -> None:
    """Another model is in production, with which no candidate was compared: the incident's job
    waits for labels again, which costs a tick where there are enough. What the gate refused stays
    refused."""
    cancel(session, incident)
    undecided = select(Model.id).where(Model.status.in_(UNDECIDED))
    session.execute(
        update(RetrainJob)
        .where(
            RetrainJob.incident_id == incident.id,
            RetrainJob.state == JobState.SUCCEEDED,
            RetrainJob.model_id.in_(undecided),
        )
        .values(state=JobState.CANCELLED)
    )
    wait_again(session, incident)


def wait_again(session: Session, incident: Incident) -> None:
    """A job that was cancelled with the incident waits for labels again."""
    session.execute(
        update(RetrainJob)
        .where(RetrainJob.incident_id == incident.id, RetrainJob.state == JobState.CANCELLED)
        .values(
            state=JobState.WAITING_FOR_LABELS,
            attempts=0,
            waiting_since=func.now(),
            asked_at=None,
            finished_at=None,
        )
    )
