"""``/reference-sets``, and ``/reference-sets/{id}``: what calm looks like."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from mycovigil.db.model import Model
from mycovigil.safety import CLASSES
from mycovigil_drift.access import Viewer
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.models import queries as models
from mycovigil_drift.reference_sets import queries
from mycovigil_drift.reference_sets.schemas import ReferenceSetQuery
from mycovigil_drift.session import Reading

router = APIRouter(prefix="/reference-sets", include_in_schema=False)


@router.get("")
def reference_sets_page(
    request: Request, session: Reading, _: Viewer, query: Annotated[ReferenceSetQuery, Query()]
) -> Response:
    sets, following = queries.page(session, query)
    return render(
        request,
        "reference_sets.html",
        sets=sets,
        versions=models.references(session, (found.model_id for found in sets)),
        following=following,
        query=query,
    )


@router.get("/{reference_set_id}")
def reference_set_page(
    reference_set_id: uuid.UUID, request: Request, session: Reading, _: Viewer
) -> Response:
    found = queries.get(session, reference_set_id)
    photos = queries.classes(session, reference_set_id)
    active = queries.active(session, found.model_id)
    return render(
        request,
        "reference_set.html",
        found=found,
        model=session.get_one(Model, found.model_id),
        active=active is not None and active.id == found.id,
        classes=[(name.value, photos.get(name.value, 0)) for name in CLASSES],
        unlabelled=photos.get("", 0),
        covariates=queries.covariates(session, reference_set_id),
    )
