"""``/v1/retrain-jobs``."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Response

from mycovigil_drift.access import Operator, Reader
from mycovigil_drift.pagination import Page
from mycovigil_drift.retrain_jobs import queries
from mycovigil_drift.retrain_jobs.schemas import RetrainJobIn, RetrainJobOut, RetrainJobQuery
from mycovigil_drift.session import Reading, Writing

router = APIRouter(prefix="/v1/retrain-jobs", tags=["retrain jobs"])


@router.get("", summary="Retrain jobs, newest first")
def list_jobs(
    session: Reading, _: Reader, query: Annotated[RetrainJobQuery, Query()]
) -> Page[RetrainJobOut]:
    jobs, following = queries.page(session, query)
    return Page(items=[RetrainJobOut.model_validate(job) for job in jobs], next=following)


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
