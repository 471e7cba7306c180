"""The retrain job of an incident follows it: cancelled at its end, waiting again if it reopens."""

from sqlalchemy import func, update
from sqlalchemy.orm import Session

from mycovigil.db.alert import Incident
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
