"""What the forms of an incident do."""

import uuid

from fastapi import APIRouter, Response

from mycovigil_drift.dashboard.form import Actor, Reason, done
from mycovigil_drift.incidents import response
from mycovigil_drift.session import Writing

router = APIRouter(prefix="/incidents", include_in_schema=False)


@router.post("/{incident_id}/acknowledge")
def acknowledge(incident_id: uuid.UUID, session: Writing, actor: Actor) -> Response:
    response.acknowledge(session, incident_id, who=actor.name)
    return done(f"/incidents/{incident_id}", "acknowledged")


@router.post("/{incident_id}/resolve")
def resolve(incident_id: uuid.UUID, resolution: Reason, session: Writing, actor: Actor) -> Response:
    response.resolve(session, incident_id, who=actor.name, resolution=resolution)
    return done(f"/incidents/{incident_id}", "resolved")
