"""``/models``, and ``/models/{id}``: what a model can do, what certifies it, how it came to be."""

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
from mycovigil_drift.audit import queries as audit
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.models import queries
from mycovigil_drift.models.schemas import ModelQuery
from mycovigil_drift.reports import queries as reports
from mycovigil_drift.reports.schemas import ReportQuery
from mycovigil_drift.session import Reading

router = APIRouter(prefix="/models", include_in_schema=False)
NIGHTS_SHOWN = 8


@router.get("")
def models_page(
    request: Request, session: Reading, _: Viewer, query: Annotated[ModelQuery, Query()]
) -> Response:
    models, following = queries.page(session, query)
    promotions = queries.promotions(session)
    named = {row.model_id for row in promotions} | {row.parent_id for row in models}
    return render(
        request,
        "models.html",
        models=models,
        versions=queries.references(session, (found for found in named if found is not None)),
        promotions=promotions,
        following=following,
        statuses=list(ModelStatus),
        query=query,
    )


@router.get("/{model_id}")
def model_page(model_id: uuid.UUID, request: Request, session: Reading, _: Viewer) -> Response:
    model = queries.get(session, model_id)
    now = datetime.datetime.now(tz=datetime.UTC)
    promotions = queries.promotions(session, model_id=model_id)
    named = {row.model_id for row in promotions} | {row.replaced_id for row in promotions}
    nights, _following = reports.page(
        session, ReportQuery(model=str(model_id), limit=NIGHTS_SHOWN, cursor=None)
    )
    return render(
        request,
        "model.html",
        model=model,
        encoder=queries.encoder(session, model),
        parent=session.get(Model, model.parent_id) if model.parent_id else None,
        job=session.scalar(select(RetrainJob).where(RetrainJob.model_id == model_id).limit(1)),
        reference=reference_set.active(session, now).get(model_id),
        certificates=audit.certificates(session, model_id),
        trail=audit.about(session, model_id),
        promotions=promotions,
        versions=queries.references(session, (found for found in named if found is not None)),
        reports=nights,
        incidents=session.scalars(
            select(Incident)
            .where(Incident.model_id == model_id)
            .order_by(Incident.opened_at.desc())
            .limit(NIGHTS_SHOWN)
        ).all(),
    )
