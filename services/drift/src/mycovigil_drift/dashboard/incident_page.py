"""``/incidents``, and ``/incidents/{id}``: the walk from the bad night to the new model."""

import datetime
import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from mycovigil.db.alert import IncidentState
from mycovigil_drift.access import Viewer
from mycovigil_drift.audit import queries as audit
from mycovigil_drift.dashboard import gallery
from mycovigil_drift.dashboard import harm as harms
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.incidents import queries
from mycovigil_drift.incidents.schemas import IncidentQuery
from mycovigil_drift.models import queries as models
from mycovigil_drift.session import Reading
from mycovigil_drift.silences import queries as silences

router = APIRouter(prefix="/incidents", include_in_schema=False)
PHOTOS = 6


@router.get("")
def incidents_page(
    request: Request, session: Reading, _: Viewer, query: Annotated[IncidentQuery, Query()]
) -> Response:
    incidents, following = queries.page(session, query)
    return render(
        request,
        "incidents.html",
        incidents=incidents,
        versions=models.references(session, (incident.model_id for incident in incidents)),
        following=following,
        states=list(IncidentState),
        query=query,
    )


@router.get("/{incident_id}")
def incident_page(
    incident_id: uuid.UUID, request: Request, session: Reading, _: Viewer
) -> Response:
    story = queries.story(session, incident_id)
    events = {message.id: message for message in story.events}
    return render(
        request,
        "incident.html",
        story=story,
        events=events,
        harm=harms.shown(story.cause),
        photos=gallery.shown(story.cause.gallery[:PHOTOS]),
        trail=audit.about(session, incident_id),
        silence=silences.over(session, story.model.id, datetime.datetime.now(tz=datetime.UTC)),
    )
