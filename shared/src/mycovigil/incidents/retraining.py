"""The retrain job of an incident follows it: cancelled at its end, waiting again if it reopens."""

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from mycovigil.db.alert import Incident
from mycovigil.db.model import Model
from mycovigil.db.retrain import JobState, RetrainJob
from mycovigil.incidents import label_progress
from mycovigil.incidents.label_progress import Specimens

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
