"""``/incidents``, and ``/incidents/{id}``: an incident, what followed from it, and its forms."""

import datetime
import uuid
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from sqlalchemy.orm import Session

from mycovigil.db.alert import Incident, IncidentKind, IncidentState
from mycovigil.incidents import certificate
from mycovigil_drift.access import Viewer
from mycovigil_drift.dashboard.form import FormSender, Reason, redirect
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.dashboard.view_models import gallery, harm
from mycovigil_drift.resources import audit, incidents, label_queue, models, silences
from mycovigil_drift.resources.incident_story import story
from mycovigil_drift.resources.incidents import NormalDays
from mycovigil_drift.resources.label_queue import Progress
from mycovigil_drift.session import Reading, Writing
from mycovigil_drift.state import AppState, State

router = APIRouter(prefix="/incidents", include_in_schema=False)
MOST_PHOTOS = 6


@router.get("")
def incidents_page(
    request: Request,
    session: Reading,
    _: Viewer,
    query: Annotated[incidents.IncidentQuery, Query()],
) -> Response:
    found, following = incidents.page(session, query)
    return render(
        request,
        "incidents.html",
        incidents=found,
        versions=models.references(session, (incident.model_id for incident in found)),
        following=following,
        states=list(IncidentState),
        query=query,
    )


@router.get("/{incident_id}")
def incident_page(
    incident_id: uuid.UUID, request: Request, session: Reading, state: AppState, _: Viewer
) -> Response:
    found = story(session, incident_id)
    now = datetime.datetime.now(tz=datetime.UTC)
    return render(
        request,
        "incident.html",
        story=found,
        events={message.id: message for message in found.events},
        harm=harm.of_report(found.cause),
        photos=gallery.items(found.cause.gallery[:MOST_PHOTOS]),
        trail=audit.about(session, incident_id),
        progress=_progress(session, state, found.incident),
        refuted=certificate.refuted(session, found.model),
        silence=silences.of_model(session, found.model.id, now),
    )


def _progress(session: Session, state: State, incident: Incident) -> Progress | None:
    """Of the labels of an open drift."""
    if incident.state == IncidentState.RESOLVED or incident.kind != IncidentKind.DRIFT:
        return None
    return label_queue.progress(session, state.settings, incident)


@router.post("/{incident_id}/acknowledge")
def acknowledge(incident_id: uuid.UUID, session: Writing, sender: FormSender) -> Response:
    incidents.acknowledge_incident(session, incident_id, who=sender.name)
    return redirect(f"/incidents/{incident_id}", "acknowledged")


@router.post("/{incident_id}/resolve")
def resolve(
    incident_id: uuid.UUID, resolution: Reason, session: Writing, sender: FormSender
) -> Response:
    incidents.resolve_incident(session, incident_id, who=sender.name, resolution=resolution)
    return redirect(f"/incidents/{incident_id}", "resolved")


@router.post("/{incident_id}/accept")
def accept(
    incident_id: uuid.UUID,
    reason: Reason,
    session: Writing,
    sender: FormSender,
    days: Annotated[NormalDays, Form()] = NormalDays.INCIDENT,
) -> Response:
    incidents.accept_incident(session, incident_id, who=sender.name, reason=reason, days=days)
    return redirect(f"/incidents/{incident_id}", "accepted")
