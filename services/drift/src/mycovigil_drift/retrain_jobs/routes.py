"""``/v1/retrain-jobs``."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse

from mycovigil_drift.access import Operator, Reader, Viewer
from mycovigil_drift.pagination import Page, shown
from mycovigil_drift.retrain_jobs import log, queries
from mycovigil_drift.retrain_jobs.schemas import RetrainJobIn, RetrainJobOut, RetrainJobQuery
from mycovigil_drift.session import Reading, Writing
from mycovigil_drift.state import AppState

router = APIRouter(prefix="/v1/retrain-jobs", tags=["retrain jobs"])
ALL_LINES = 100_000


@router.get("", summary="Retrain jobs, newest first")
def list_jobs(
    session: Reading, _: Reader, query: Annotated[RetrainJobQuery, Query()]
) -> Page[RetrainJobOut]:
    return shown(RetrainJobOut, queries.page(session, query))


@router.post("", summary="Ask for a retrain", status_code=202)
def create_job(
    body: RetrainJobIn, session: Writing, operator: Operator, response: Response
) -> RetrainJobOut:
    job = queries.enqueue(session, who=operator.name, reason=body.reason)
    response.headers["Location"] = f"/v1/retrain-jobs/{job.id}"
    return RetrainJobOut.model_validate(job)


@router.get("/{job_id}", summary="One retrain job")
def get_job(job_id: uuid.UUID, session: Reading, _: Reader) -> RetrainJobOut:
    return RetrainJobOut.model_validate(queries.get(session, job_id))


@router.get("/{job_id}/log", summary="What training said", response_class=PlainTextResponse)
def get_log(job_id: uuid.UUID, session: Reading, state: AppState, _: Viewer) -> PlainTextResponse:
    """Every attempt that ended, oldest first; empty while the first still runs."""
    queries.get(session, job_id)
    found = log.attempts(state.storage, job_id, lines=ALL_LINES)
    return PlainTextResponse(
        "\n".join(f"=== attempt {attempt.number}\n{attempt.text}\n" for attempt in found)
    )
