"""Retrain jobs that wait for labels: they go on when there are enough, wait again after a refusal,
and ask a person when that takes too long."""

import uuid
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mycovigil.db.alert import AlertKind, Incident, IncidentState
from mycovigil.db.model import Model, ModelStatus
from mycovigil.db.retrain import JobState, RetrainJob
from mycovigil.incidents import alert, incident, label_progress
from mycovigil.incidents.label_progress import Specimens
from mycovigil.postgres.row_lock import locked
from mycovigil.settings import TrainingSettings
from mycovigil_worker.state import State

log = structlog.get_logger(__name__)


def advance(state: State, *, now: datetime) -> list[uuid.UUID]:
    """Queue each waiting job whose drifted days have labels enough; returns those. Jobs of an
    incident that is over are cancelled; of one that has waited for too long a person is asked."""
    waiting = select(RetrainJob.id).where(RetrainJob.state == JobState.WAITING_FOR_LABELS)
    with state.sessions() as session:
        jobs = session.scalars(waiting.order_by(RetrainJob.created_at)).all()
    queued = []
    for job_id in jobs:
        with state.sessions.begin() as session:
            if _advanced(session, job_id, state.settings.training, now):
                queued.append(job_id)
    return queued


def again(session: Session, training: TrainingSettings, job_id: uuid.UUID) -> bool:
    """Let a job whose candidate was just refused wait for half as many more labels; false after the
    last time, or where there is nothing more to label, when a person is asked instead."""
    job = session.get_one(RetrainJob, job_id, populate_existing=True)
    if job.incident_id is None:
        return False
    found = session.get_one(Incident, job.incident_id)
    learned = label_progress.labelled(session, found, before=job.started_at)
    more = label_progress.needed_after_refusal(session, found, training, learned=learned)
    job.refusals += 1
    if more is None or job.refusals > training.label_rounds:
        why = (
            f"all specimens of its days are labelled, and {_candidates(job)} refused"
            if more is None
            else f"{_candidates(job)} refused by the gate"
        )
        _ask(session, job, found, f"The retrain ended without a new model: {why}.")
        return False
    _wait(job, more)
    return True


def _advanced(
    session: Session, job_id: uuid.UUID, training: TrainingSettings, now: datetime
) -> bool:
    """The model is locked before the job, as whoever ends an incident does."""
    unlocked = session.get_one(RetrainJob, job_id)
    found = session.get_one(Incident, unlocked.incident_id)
    model = incident.locked_model(session, found.model_id)
    job = locked(session, RetrainJob, job_id)
    if job is None or job.state != JobState.WAITING_FOR_LABELS:
        return False
    session.refresh(found)
    if found.model_id != model.id:
        return False  # another model took the incident over meanwhile
    if found.state == IncidentState.RESOLVED or model.status != ModelStatus.PRODUCTION:
        job.state, job.finished_at = JobState.CANCELLED, func.now()
        return False
    if job.labels_needed is None:  # made before retrains waited for labels
        first = label_progress.needed_first(session, found, training)
        job.labels_needed, job.dangerous_needed = first.all, first.dangerous
    have = label_progress.labelled(session, found)
    needed = Specimens(job.labels_needed or 1, job.dangerous_needed or 0)
    if have.reach(needed):
        job.state = JobState.QUEUED
        log.info("labels enough, retrain job queued", job=str(job.id), labels=have.all)
        return True
    limit = timedelta(days=training.label_wait_days)
    if job.asked_at is None and now - (job.waiting_since or job.created_at) > limit:
        _ask(
            session,
            job,
            found,
            f"The retrain has waited for labels for {training.label_wait_days:g} days: "
            f"{have.all} of {needed.all} specimens are labelled, {have.dangerous} of "
            f"{needed.dangerous} predicted deadly or poisonous. Label more, accept the new normal, "
            "or resolve the incident.",
        )
    return False


def _wait(job: RetrainJob, needed: Specimens) -> None:
    job.state = JobState.WAITING_FOR_LABELS
    job.labels_needed, job.dangerous_needed = needed.all, needed.dangerous
    job.attempts = 0
    job.waiting_since = func.now()
    job.finished_at = job.asked_at = None


def _ask(session: Session, job: RetrainJob, found: Incident, message: str) -> None:
    job.asked_at = func.now()
    model = session.get_one(Model, found.model_id)
    alert.publish(session, found, model, AlertKind.LABELS_WANTED, message)


def _candidates(job: RetrainJob) -> str:
    return "its candidate was" if job.refusals == 1 else f"{job.refusals} candidates were"
