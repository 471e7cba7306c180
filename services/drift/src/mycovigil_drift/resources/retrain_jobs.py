"""Retrain jobs, requested by an incident or by a person. ``/v1/retrain-jobs``."""

import datetime
import uuid
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.retrain import JobState, RetrainJob
from mycovigil.events import wake
from mycovigil.incidents import audit, retraining
from mycovigil.postgres import named_lock
from mycovigil.problem import conflict
from mycovigil.storage import MissingObject, Storage
from mycovigil_drift import lookup
from mycovigil_drift.access import Operator, Reader, Viewer
from mycovigil_drift.pagination import Page, PageQuery, fetch, shown
from mycovigil_drift.session import Reading, Writing
from mycovigil_drift.state import AppState
from mycovigil_drift.words import Words

router = APIRouter(prefix="/v1/retrain-jobs", tags=["retrain jobs"])
UNFINISHED = (JobState.QUEUED, JobState.RUNNING)
# Advisory lock: of two people who ask at the same time one gets the job, the other a 409.
LOCK = "mycovigil manual retrain"
LINES_ON_A_PAGE, LINES_OVER_HTTP = 300, 100_000


class RetrainJobIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: Words = Field(description="Why; stored with the job.")


class CancelIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: Words = Field(description="Why; stored in the audit trail.")


class RetrainJobOut(BaseModel):
    """``model_id``: the newest candidate it made; ``incident_id``: empty if a person requested it.

    ``labels_needed``: labelled specimens of the drifted days that it waits for,
    ``dangerous_needed`` of them predicted deadly or poisonous; ``refusals``: its candidates that
    the gate refused; ``asked_at``: when a person was asked, because it waited for too long;
    ``remote_job``: its newest training on Vertex AI, by resource name.
    """

    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    incident_id: uuid.UUID | None
    requested_by: str
    state: JobState
    parameters: dict[str, Any]
    attempts: int
    lease_until: datetime.datetime | None
    labels_needed: int | None
    dangerous_needed: int | None
    refusals: int
    waiting_since: datetime.datetime | None
    asked_at: datetime.datetime | None
    remote_job: str | None
    model_id: uuid.UUID | None
    error: str | None
    created_at: datetime.datetime
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None


class RetrainJobQuery(PageQuery):
    state: JobState | None = None
    incident_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class AttemptLog:
    """Log of one attempt. ``text``: its last lines; ``left_out``: number of lines before them."""

    number: int
    text: str
    left_out: int


def page(session: Session, query: RetrainJobQuery) -> tuple[list[RetrainJob], str | None]:
    statement = select(RetrainJob)
    if query.state is not None:
        statement = statement.where(RetrainJob.state == query.state)
    if query.incident_id is not None:
        statement = statement.where(RetrainJob.incident_id == query.incident_id)
    return fetch(session, statement, (RetrainJob.created_at, RetrainJob.id), query)


def get(session: Session, job_id: uuid.UUID) -> RetrainJob:
    """One retrain job.

    Raises:
        Problem: 404 if there is no such job.
    """
    return lookup.one(session, RetrainJob, job_id, "retrain job")


def enqueue(session: Session, *, who: str, reason: str) -> RetrainJob:
    """A queued job that ``who`` requested; it wakes the worker, which starts it.

    Raises:
        Problem: 409 while another job requested by a person is unfinished.
    """
    named_lock.hold(session, LOCK)
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
    wake.worker(session)
    session.refresh(job)
    return job


def cancel(session: Session, job_id: uuid.UUID, *, who: str, reason: str) -> RetrainJob:
    """Cancel a job; the worker that runs it stops its training, on Vertex AI too.

    Raises:
        Problem: 404 if there is no such job, 409 if it has ended.
    """
    job = get(session, job_id)
    if not retraining.cancel_job(session, job_id):
        detail = f"Retrain job {job_id} has ended; there is nothing to cancel."
        raise conflict("retrain-ended", detail)
    audit.record(session, who=who, action="cancelled", on=job, detail=reason)
    wake.worker(session)
    session.flush()
    session.refresh(job)
    return job


def attempt_logs(
    storage: Storage, job_id: uuid.UUID, *, lines: int = LINES_ON_A_PAGE
) -> list[AttemptLog]:
    """Training logs of the attempts that have ended, oldest first, as the worker stored them."""
    found = []
    for key in storage.keys(f"retrain/{job_id}"):
        number = key.rsplit("/", 1)[1].removesuffix(".log")
        try:
            written = storage.read(key).decode(errors="replace").splitlines()
        except MissingObject:  # retention deleted it after the listing
            continue
        if number.isdigit():
            text = "\n".join(written[-lines:])
            found.append(AttemptLog(int(number), text, max(len(written) - lines, 0)))
    return sorted(found, key=lambda attempt: attempt.number)


@router.get("", summary="Retrain jobs, newest first")
def list_jobs(
    session: Reading, _: Reader, query: Annotated[RetrainJobQuery, Query()]
) -> Page[RetrainJobOut]:
    return shown(RetrainJobOut, page(session, query))


@router.post("", summary="Request a retrain", status_code=202)
def create_job(
    body: RetrainJobIn, session: Writing, operator: Operator, response: Response
) -> RetrainJobOut:
    job = enqueue(session, who=operator.name, reason=body.reason)
    response.headers["Location"] = f"/v1/retrain-jobs/{job.id}"
    return RetrainJobOut.model_validate(job)


@router.get("/{job_id}", summary="One retrain job")
def get_job(job_id: uuid.UUID, session: Reading, _: Reader) -> RetrainJobOut:
    return RetrainJobOut.model_validate(get(session, job_id))


@router.post("/{job_id}/cancel", summary="Cancel a retrain job")
def cancel_job(
    job_id: uuid.UUID, body: CancelIn, session: Writing, operator: Operator
) -> RetrainJobOut:
    """Its training is stopped within a minute; a candidate that is registered by then stays."""
    job = cancel(session, job_id, who=operator.name, reason=body.reason)
    return RetrainJobOut.model_validate(job)


@router.get("/{job_id}/log", summary="The training log", response_class=PlainTextResponse)
def get_log(job_id: uuid.UUID, session: Reading, state: AppState, _: Viewer) -> PlainTextResponse:
    """Every attempt that has ended, oldest first; empty while the first one runs."""
    get(session, job_id)
    found = attempt_logs(state.storage, job_id, lines=LINES_OVER_HTTP)
    return PlainTextResponse(
        "\n".join(f"=== attempt {attempt.number}\n{attempt.text}\n" for attempt in found)
    )
