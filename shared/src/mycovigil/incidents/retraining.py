"""The retrain job of an incident follows it: cancelled at its end, waiting again if it reopens."""

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from mycovigil.db.alert import Incident
from mycovigil.db.model import Model
from mycovigil.db.retrain import JobState, RetrainJob

UNFINISHED = (JobState.WAITING_FOR_LABELS, JobState.QUEUED, JobState.RUNNING)


def cancel(session: Session, incident: Incident) -> None:
    """Cancel the incident's job, whatever it was doing: a worker that runs it loses its lease, and
    stops the training."""
    session.execute(
        update(RetrainJob)
        .where(RetrainJob.incident_id == incident.id, RetrainJob.state.in_(UNFINISHED))
        .values(state=JobState.CANCELLED, lease_until=None, finished_at=func.now())
    )


def taught(session: Session, incident: Incident, model: Model) -> bool:
    """Whether the model learned from labels of the incident's days: its job made it, and had waited
    until there were enough."""
    job = select(RetrainJob.id).where(
        RetrainJob.incident_id == incident.id,
        RetrainJob.model_id == model.id,
        RetrainJob.labels_needed.is_not(None),
    )
    return session.scalar(select(job.exists())) is True


def wait_again(session: Session, incident: Incident) -> None:
    """A job that was cancelled with the incident waits for labels again."""
    session.execute(
        update(RetrainJob)
        .where(RetrainJob.incident_id == incident.id, RetrainJob.state == JobState.CANCELLED)
        .values(
            state=JobState.WAITING_FOR_LABELS,
            attempts=0,
            waiting_since=func.now(),
            finished_at=None,
        )
    )
