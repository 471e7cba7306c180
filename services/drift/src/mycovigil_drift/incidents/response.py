"""What a person does about an incident: one at a time, and never after it is over."""

import uuid

from sqlalchemy.orm import Session

from mycovigil.db.alert import Incident, IncidentState
from mycovigil.incidents import audit
from mycovigil.incidents import incident as incidents
from mycovigil.problem import conflict
from mycovigil_drift import lookup


def acknowledge(session: Session, incident_id: uuid.UUID, *, who: str) -> Incident:
    """Note who looks at it; the first to say so stays noted.

    Raises:
        Problem: 404, or 409 once it is resolved.
    """
    incident = _unresolved(session, incident_id)
    incidents.acknowledge(incident, who=who)
    audit.record(session, who=who, action="acknowledged", on=incident)
    session.flush()
    return incident


def resolve(session: Session, incident_id: uuid.UUID, *, who: str, resolution: str) -> Incident:
    """Close it, with its alert and event, in the words and the name of ``who``.

    Raises:
        Problem: 404, or 409 once it is resolved.
    """
    incident = _unresolved(session, incident_id)
    incidents.resolve(session, incident, resolution=f"{resolution} ({who})")
    audit.record(session, who=who, action="resolved", on=incident, detail=resolution)
    session.flush()
    return incident


def _unresolved(session: Session, incident_id: uuid.UUID) -> Incident:
    found = lookup.one(session, Incident, incident_id, "incident")
    incidents.held(session, found.model_id)
    incident = lookup.one(session, Incident, incident_id, "incident", lock=True)
    if incident.state == IncidentState.RESOLVED:
        detail = f"Incident {incident_id} is resolved already: {incident.resolution}."
        raise conflict("incident-resolved", detail)
    return incident
