"""``/models``, and ``/models/{id}``: figures, certificate and origin of a model, and its forms."""

import datetime
import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import select

from mycovigil.db.alert import Incident
from mycovigil.db.model import Model, ModelStatus
from mycovigil.db.retrain import RetrainJob
from mycovigil.references import reference_set
from mycovigil_drift.access import Viewer
from mycovigil_drift.dashboard import days
from mycovigil_drift.dashboard.form import FormSender, Reason, redirect
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.resources import audit, models
from mycovigil_drift.resources.incidents import of_model
from mycovigil_drift.resources.reports import queries as reports
from mycovigil_drift.resources.reports.schemas import ReportQuery
from mycovigil_drift.session import Reading, Writing

router = APIRouter(prefix="/models", include_in_schema=False)
# Latest nights and latest incidents on the page of a model.
MOST_LATEST = 8


@router.get("")
def models_page(
    request: Request, session: Reading, _: Viewer, query: Annotated[models.ModelQuery, Query()]
) -> Response:
    found, following = models.page(session, query)
    promotions = models.promotions(session)
    named = [row.model_id for row in promotions] + [row.parent_id for row in found]
    return render(
        request,
        "models.html",
        models=found,
        versions=models.references(session, named),
        promotions=promotions,
        following=following,
        statuses=list(ModelStatus),
        query=query,
    )


@router.get("/{model_id}")
def model_page(model_id: uuid.UUID, request: Request, session: Reading, _: Viewer) -> Response:
    model = models.get(session, model_id)
    now = datetime.datetime.now(tz=datetime.UTC)
    promotions = models.promotions(session, model_id=model_id)
    named = [row.model_id for row in promotions] + [row.replaced_id for row in promotions]
    latest = ReportQuery(model=str(model_id), limit=MOST_LATEST, cursor=None)
    incidents = select(Incident).where(of_model(model_id))
    return render(
        request,
        "model.html",
        model=model,
        encoder=models.encoder(session, model),
        parent=session.get(Model, model.parent_id) if model.parent_id else None,
        job=session.scalar(select(RetrainJob).where(RetrainJob.model_id == model_id).limit(1)),
        reference=reference_set.active(session, now).get(model_id),
        certificates=audit.certificate_changes(session, model_id),
        trail=audit.about(session, model_id),
        promotions=promotions,
        returnable=model.status == ModelStatus.ARCHIVED
        and not model.demo
        and models.has_passed(promotions, model),
        versions=models.references(session, named),
        reports=reports.page(session, latest)[0],
        seen=days.seen,
        incidents=session.scalars(
            incidents.order_by(Incident.opened_at.desc()).limit(MOST_LATEST)
        ).all(),
    )


@router.post("/rollback")
def rollback(reason: Reason, session: Writing, sender: FormSender) -> Response:
    decided = models.roll_back_model(session, who=sender.name, reason=reason)
    return redirect(f"/models/{decided.model_id}", "rolled-back")


@router.post("/{model_id}/bring-back")
def bring_back(
    model_id: uuid.UUID, reason: Reason, session: Writing, sender: FormSender
) -> Response:
    models.bring_back_model(session, model_id, who=sender.name, reason=reason)
    return redirect(f"/models/{model_id}", "brought-back")


@router.post("/{model_id}/promote")
def promote(model_id: uuid.UUID, session: Writing, sender: FormSender) -> Response:
    models.promote_model(session, model_id, who=sender.name)
    return redirect(f"/models/{model_id}", "promoted")
