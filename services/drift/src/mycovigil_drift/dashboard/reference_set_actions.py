"""What the forms of reference sets do: make a draft, freeze it, retire it."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Form, Response
from pydantic import Field

from mycovigil_drift.dashboard.form import Actor, UtcMoment, done
from mycovigil_drift.reference_sets import changes
from mycovigil_drift.reference_sets.schemas import ReferenceSetIn
from mycovigil_drift.session import Writing

router = APIRouter(prefix="/reference-sets", include_in_schema=False)


@router.post("")
def create(
    *,
    model_id: Annotated[uuid.UUID, Form()],
    name: Annotated[str, Form(min_length=3, max_length=100)],
    since: Annotated[UtcMoment, Form()],
    until: Annotated[UtcMoment, Form()],
    session: Writing,
    actor: Actor,
    rows: Annotated[int, Form(ge=100, le=10_000)] = 10_000,
    months: Annotated[list[Annotated[int, Field(ge=1, le=12)]] | None, Form()] = None,
    accept_drift: Annotated[bool, Form()] = False,
) -> Response:
    wish = ReferenceSetIn(
        model_id=model_id,
        name=name,
        since=since,
        until=until,
        rows=rows,
        months=months,
        accept_drift=accept_drift,
    )
    made = changes.create(session, wish, who=actor.name)
    return done(f"/reference-sets/{made.id}", "reference-made")


@router.post("/{reference_set_id}/freeze")
def freeze(reference_set_id: uuid.UUID, session: Writing, actor: Actor) -> Response:
    changes.freeze(session, reference_set_id, who=actor.name)
    return done(f"/reference-sets/{reference_set_id}", "reference-frozen")


@router.post("/{reference_set_id}/retire")
def retire(reference_set_id: uuid.UUID, session: Writing, actor: Actor) -> Response:
    changes.retire(session, reference_set_id, who=actor.name)
    return done(f"/reference-sets/{reference_set_id}", "reference-retired")
