"""What the forms of a model do: the gate decides, here as over the API."""

import uuid

from fastapi import APIRouter, Response

from mycovigil_drift.dashboard.form import Actor, Reason, done
from mycovigil_drift.models import gate
from mycovigil_drift.session import Writing

router = APIRouter(prefix="/models", include_in_schema=False)


@router.post("/rollback")
def rollback(reason: Reason, session: Writing, actor: Actor) -> Response:
    decided = gate.rollback(session, who=actor.name, reason=reason)
    return done(f"/models/{decided.model_id}", "rolled-back")


@router.post("/{model_id}/promote")
def promote(model_id: uuid.UUID, session: Writing, actor: Actor) -> Response:
    gate.promote(session, model_id, who=actor.name)
    return done(f"/models/{model_id}", "promoted")
