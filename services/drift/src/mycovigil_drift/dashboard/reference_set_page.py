"""``/reference-sets``, and ``/reference-sets/{id}``: what calm looks like."""

import datetime
import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.model import Model
from mycovigil.db.reference import ReferenceSet
from mycovigil.models.safety import CLASSES
from mycovigil.references import reference_set
from mycovigil_drift.access import Viewer
from mycovigil_drift.audit import queries as audit
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.models import queries as models
from mycovigil_drift.models.schemas import ModelQuery
from mycovigil_drift.reference_sets import queries
from mycovigil_drift.reference_sets.schemas import ReferenceSetQuery
from mycovigil_drift.session import Reading

router = APIRouter(prefix="/reference-sets", include_in_schema=False)


@router.get("")
def reference_sets_page(
    request: Request, session: Reading, _: Viewer, query: Annotated[ReferenceSetQuery, Query()]
) -> Response:
    now = datetime.datetime.now(tz=datetime.UTC)
    sets, following = queries.page(session, query)
    return render(
        request,
        "reference_sets.html",
        sets=sets,
        versions=models.references(session, (found.model_id for found in sets)),
        active={row.id for row in reference_set.active(session, now).values()},
        models=models.page(session, ModelQuery(limit=20, cursor=None))[0],
        now=now,
        following=following,
        query=query,
    )


@router.get("/{reference_set_id}")
def reference_set_page(
    reference_set_id: uuid.UUID, request: Request, session: Reading, _: Viewer
) -> Response:
    found = queries.get(session, reference_set_id)
    photos = queries.classes(session, reference_set_id)
    active = reference_set.active(session, datetime.datetime.now(tz=datetime.UTC))
    return render(
        request,
        "reference_set.html",
        found=found,
        model=session.get_one(Model, found.model_id),
        active=found.id in {row.id for row in active.values()},
        others=_others(session, found),
        trail=audit.about(session, reference_set_id),
        classes=[(name.value, photos.get(name.value, 0)) for name in CLASSES],
        unlabelled=photos.get("", 0),
        covariates=queries.covariates(session, reference_set_id),
    )


def _others(session: Session, found: ReferenceSet) -> list[ReferenceSet]:
    """Sets that this one can be compared with: features of the same encoder."""
    statement = select(ReferenceSet).where(
        ReferenceSet.encoder_id == found.encoder_id, ReferenceSet.id != found.id
    )
    return list(session.scalars(statement.order_by(ReferenceSet.created_at.desc()).limit(20)))
