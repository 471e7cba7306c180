"""Run one retrain job: lease, training, and the gate's decision."""

import time
import uuid
from enum import StrEnum
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from mycovigil.backoff import Backoff
from mycovigil.db.alert import Incident
from mycovigil.db.model import Model
from mycovigil.db.retrain import JobState, RetrainJob
from mycovigil.incidents import incident
from mycovigil.models import promotion
from mycovigil.models.promotion import GateClosed
from mycovigil.settings import Settings
from mycovigil_worker.retrain import label_wait, launcher, training
from mycovigil_worker.retrain import lease as leases
from mycovigil_worker.retrain.lease import Lease, Renewal
from mycovigil_worker.retrain.training import (
    Ended,
    Interrupted,
    Result,
    Training,
    TrainingFailed,
)
from mycovigil_worker.retrain.vertex import abandoned
from mycovigil_worker.state import State

DECIDED_BY = "retrain"
# Tries to write the end of a training before its failure is raised, and the waits between them.
TRIES = 7
BACKOFF = Backoff(first=1.0, longest=30.0)

log = structlog.get_logger(__name__)


class Ending(StrEnum):
    """What became of the job in this run."""

    NOT_MINE = "held by another worker, or finished"
    LEASE_LOST = "the lease was lost; the result was dropped"
    PROMOTED = "promoted"
    REFUSED = "refused by the gate"
    MORE_LABELS = "refused by the gate; waits for more labels"
    WAITING = "passed the gate; waits for a person to promote it"
    DECIDED = "a person has decided about the candidate already"
    AGAIN = "failed; will be tried again"
    FAILED = "failed"
    INTERRUPTED = "the worker is stopping; the job is back in the queue"


def run(state: State, job_id: uuid.UUID) -> Ending:
    """Run the job if no worker does. Safe to call for any job at any time."""
    with state.sessions.begin() as session:
        lease = leases.take(session, job_id)
    if lease is None:
        return Ending.NOT_MINE
    started = launcher.training_of(state, lease)
    with Renewal(state.sessions, lease, on_lost=started.lease_lost):
        ending = _ended(state, lease, started)
    if ending is Ending.LEASE_LOST:  # perhaps because somebody cancelled the job
        abandoned.cancel(state)
    return ending


def _ended(state: State, lease: Lease, started: Training) -> Ending:
    try:
        ended = training.followed(started)
        _keep_log(state, lease, ended)
        return _concluded(state, lease, ended.result())
    except Interrupted as reason:
        return _put_back(state, lease, str(reason))
    except (TrainingFailed, LookupError) as reason:
        return _fail(state, lease, str(reason))


def _concluded(state: State, lease: Lease, result: Result) -> Ending:
    """A database that restarts at this moment must not cost hours of training: the lease is
    renewed meanwhile, and without it nothing is written."""
    for attempt in range(1, TRIES):
        try:
            with state.sessions.begin() as session:
                return conclude(session, state.settings, lease, result)
        except OperationalError as error:
            pause = BACKOFF.seconds(attempt)
            log.warning("the end is not written, will be", error=str(error.orig), again_in=pause)
            time.sleep(pause)
    with state.sessions.begin() as session:
        return conclude(session, state.settings, lease, result)


def log_key(lease: Lease) -> str:
    """Where the child's log of this attempt lies in storage."""
    return f"retrain/{lease.job_id}/{lease.token}.log"


def _keep_log(state: State, lease: Lease, ended: Ended) -> None:
    """A log that the storage does not take costs no candidate that took hours."""
    try:
        state.storage.write(log_key(lease), ended.log)
    except Exception as error:  # of any storage
        log.warning("training's log is not stored", job=str(lease.job_id), error=str(error))


def conclude(session: Session, settings: Settings, lease: Lease, result: Result) -> Ending:
    """Write the job's end and the gate's decision together, if the lease still holds.

    Raises:
        LookupError: training named a model that is not registered.
    """
    model = session.get(Model, result.model_id)
    if model is None:
        raise LookupError(f"training registered no model {result.model_id}")
    _hold_incident(session, lease)
    done = leases.finish(
        session,
        lease,
        state=JobState.SUCCEEDED,
        model_id=model.id,
        trainings=RetrainJob.trainings + 1,
        finished_at=func.now(),
    )
    if not done:
        return Ending.LEASE_LOST
    if not result.gate.passed:
        ending = _refuse(session, model)
        again = ending is Ending.REFUSED and label_wait.again(
            session, settings.training, lease.job_id
        )
        return Ending.MORE_LABELS if again else ending
    if not settings.training.auto_promote:
        return Ending.WAITING
    return _promote(session, model)


def _hold_incident(session: Session, lease: Lease) -> None:
    """Lock what a promotion and a person who ends the incident lock before they cancel its job:
    in another order the two would wait for each other."""
    promotion.wait_for_turn(session)
    of_job = select(Incident.model_id).join(RetrainJob, RetrainJob.incident_id == Incident.id)
    model_id = session.scalar(of_job.where(RetrainJob.id == lease.job_id))
    if model_id is not None:
        incident.locked_model(session, model_id)


def _promote(session: Session, model: Model) -> Ending:
    try:
        with session.begin_nested():
            promotion.promote(session, model.id, decided_by=DECIDED_BY)
    except GateClosed as reason:  # production changed while the candidate was trained
        log.warning("candidate not promoted", model=model.version, reason=str(reason))
        return _refuse(session, model)
    return Ending.PROMOTED


def _refuse(session: Session, model: Model) -> Ending:
    """What a person promoted meanwhile stays in production."""
    try:
        with session.begin_nested():
            promotion.refuse(session, model.id, decided_by=DECIDED_BY)
    except GateClosed as reason:
        log.warning("candidate not refused", model=model.version, reason=str(reason))
        return Ending.DECIDED
    return Ending.REFUSED


def _fail(state: State, lease: Lease, reason: str) -> Ending:
    """Back into the queue, or given up after the last attempt; the tick sends it again."""
    with state.sessions.begin() as session:
        job = session.get_one(RetrainJob, lease.job_id)
        again = job.attempts < leases.MOST_ATTEMPTS
        end: dict[str, Any] = {"trainings": RetrainJob.trainings + 1}
        end |= {} if again else {"finished_at": func.now()}
        state_after = JobState.QUEUED if again else JobState.FAILED
        written = leases.finish(session, lease, state=state_after, error=reason, **end)
    log.warning("retrain failed", job=str(lease.job_id), reason=reason, again=again)
    if not written:
        return Ending.LEASE_LOST
    return Ending.AGAIN if again else Ending.FAILED


def _put_back(state: State, lease: Lease, reason: str) -> Ending:
    """Into the queue again; an attempt that a stopping worker cut off does not count."""
    with state.sessions.begin() as session:
        attempts = max(session.get_one(RetrainJob, lease.job_id).attempts - 1, 0)
        leases.finish(session, lease, state=JobState.QUEUED, error=reason, attempts=attempts)
    return Ending.INTERRUPTED
