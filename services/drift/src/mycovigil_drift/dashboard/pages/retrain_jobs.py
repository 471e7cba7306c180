"""``/retrain-jobs``, and ``/retrain-jobs/{id}``: a job with its log, and the form that requests
one."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from mycovigil import vertex_job
from mycovigil.db.alert import Incident
from mycovigil.db.model import Model
from mycovigil.db.retrain import JobState
from mycovigil.incidents import retraining
from mycovigil_drift.access import Viewer
from mycovigil_drift.dashboard.form import FormSender, Reason, redirect
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.resources import audit, label_queue, models, retrain_jobs
from mycovigil_drift.resources.retrain_jobs import RetrainJobQuery
from mycovigil_drift.session import Reading, Writing
from mycovigil_drift.state import AppState

router = APIRouter(prefix="/retrain-jobs", include_in_schema=False)


@router.get("")
def retrain_jobs_page(
    request: Request, session: Reading, _: Viewer, query: Annotated[RetrainJobQuery, Query()]
) -> Response:
    jobs, following = retrain_jobs.page(session, query)
    return render(
        request,
        "retrain_jobs.html",
        jobs=jobs,
        versions=models.references(session, (job.model_id for job in jobs)),
        following=following,
        states=list(JobState),
        query=query,
    )


@router.get("/{job_id}")
def retrain_job_page(
    job_id: uuid.UUID, request: Request, session: Reading, state: AppState, _: Viewer
) -> Response:
    job = retrain_jobs.get(session, job_id)
    incident = session.get(Incident, job.incident_id) if job.incident_id else None
    return render(
        request,
        "retrain_job.html",
        job=job,
        incident=incident,
        progress=label_queue.progress(session, state.settings, incident) if incident else None,
        model=session.get(Model, job.model_id) if job.model_id else None,
        attempts=retrain_jobs.attempt_logs(state.storage, job_id),
        remote=vertex_job.links(job.remote_job),
        unfinished=job.state in retraining.UNFINISHED,
        trail=audit.about(session, job_id),
    )


@router.post("")
def retrain(reason: Reason, session: Writing, sender: FormSender) -> Response:
    job = retrain_jobs.enqueue(session, who=sender.name, reason=reason)
    return redirect(f"/retrain-jobs/{job.id}", "retrain")


@router.post("/{job_id}/cancel")
def cancel(job_id: uuid.UUID, reason: Reason, session: Writing, sender: FormSender) -> Response:
    retrain_jobs.cancel(session, job_id, who=sender.name, reason=reason)
    return redirect(f"/retrain-jobs/{job_id}", "retrain-cancelled")
