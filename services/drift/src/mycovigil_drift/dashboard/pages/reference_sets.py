"""``/reference-sets``, and ``/reference-sets/{id}``: a set's classes and covariates, and forms that
make, freeze and retire sets."""

import datetime
import uuid
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.model import Model
from mycovigil.db.reference import ReferenceSet
from mycovigil.models.safety import CLASSES
from mycovigil.references import reference_set
from mycovigil_drift.access import Viewer
from mycovigil_drift.dashboard.form import FormSender, UtcMoment, redirect
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.resources import audit, models, reference_sets
from mycovigil_drift.resources.reference_sets import ReferenceSetIn, ReferenceSetQuery
from mycovigil_drift.session import Reading, Writing

router = APIRouter(prefix="/reference-sets", include_in_schema=False)
MOST_OTHERS = 20


@router.get("")
def reference_sets_page(
    request: Request, session: Reading, _: Viewer, query: Annotated[ReferenceSetQuery, Query()]
) -> Response:
    now = datetime.datetime.now(tz=datetime.UTC)
    sets, following = reference_sets.page(session, query)
    return render(
        request,
        "reference_sets.html",
        sets=sets,
        versions=models.references(session, (found.model_id for found in sets)),
        active={row.id for row in reference_set.active(session, now).values()},
        models=models.newest(session),
        now=now,
        following=following,
        query=query,
    )


@router.get("/{reference_set_id}")
def reference_set_page(
    reference_set_id: uuid.UUID, request: Request, session: Reading, _: Viewer
) -> Response:
    found = reference_sets.get(session, reference_set_id)
    photos = reference_sets.classes(session, reference_set_id)
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
        covariates=reference_sets.covariates(session, reference_set_id),
    )


def _others(session: Session, found: ReferenceSet) -> list[ReferenceSet]:
    """The newest sets with which this one can be compared: those of the same encoder."""
    statement = select(ReferenceSet).where(
        ReferenceSet.encoder_id == found.encoder_id, ReferenceSet.id != found.id
    )
    newest = statement.order_by(ReferenceSet.created_at.desc())
    return list(session.scalars(newest.limit(MOST_OTHERS)))


@router.post("")
def create(
    *,
    model_id: Annotated[uuid.UUID, Form()],
    name: Annotated[str, Form(min_length=3, max_length=100)],
    since: Annotated[UtcMoment, Form()],
    until: Annotated[UtcMoment, Form()],
    session: Writing,
    sender: FormSender,
    rows: Annotated[int, Form(ge=100, le=10_000)] = 10_000,
    months: Annotated[list[Annotated[int, Field(ge=1, le=12)]] | None, Form()] = None,
    accept_drift: Annotated[bool, Form()] = False,
) -> Response:
    wanted = ReferenceSetIn(
        model_id=model_id,
        name=name,
        since=since,
        until=until,
        rows=rows,
        months=months,
        accept_drift=accept_drift,
    )
    made = reference_sets.create(session, wanted, who=sender.name)
    return redirect(f"/reference-sets/{made.id}", "reference-made")


@router.post("/{reference_set_id}/freeze")
def freeze(reference_set_id: uuid.UUID, session: Writing, sender: FormSender) -> Response:
    reference_sets.freeze(session, reference_set_id, who=sender.name)
    return redirect(f"/reference-sets/{reference_set_id}", "reference-frozen")


@router.post("/{reference_set_id}/retire")
def retire(reference_set_id: uuid.UUID, session: Writing, sender: FormSender) -> Response:
    reference_sets.retire(session, reference_set_id, who=sender.name)
    return redirect(f"/reference-sets/{reference_set_id}", "reference-retired")
