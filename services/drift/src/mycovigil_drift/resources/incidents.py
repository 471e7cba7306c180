"""Incidents: listed, acknowledged, resolved. ``/v1/incidents``."""

import datetime
import uuid
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from mycovigil.baselines.baseline import NotPossible
from mycovigil.db.alert import EndedBy, Incident, IncidentKind, IncidentState, Severity
from mycovigil.db.report import DriftReport
from mycovigil.incidents import audit, incident
from mycovigil.problem import conflict
from mycovigil_drift import lookup
from mycovigil_drift.access import Operator, Reader
from mycovigil_drift.pagination import Page, PageQuery, fetch, shown
from mycovigil_drift.resources import models
from mycovigil_drift.session import Reading, Writing
from mycovigil_drift.words import Words

router = APIRouter(prefix="/v1/incidents", tags=["incidents"])


class IncidentOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    model_id: uuid.UUID
    report_id: uuid.UUID
    kind: IncidentKind
    state: IncidentState
    severity: Severity
    cause: str
    opened_at: datetime.datetime
    acknowledged_at: datetime.datetime | None
    acknowledged_by: str | None
    resolved_at: datetime.datetime | None
    resolution: str | None
    ended_by: EndedBy | None


class IncidentQuery(PageQuery):
    state: IncidentState | None = None
    model: str | None = None


class ResolveIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    resolution: Words = Field(description="What was done; stored with the incident.")


class NormalDays(StrEnum):
    """Days that nights are compared with after an acceptance."""

    INCIDENT = "incident"
    SEASON = "season"


class AcceptIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: Words = Field(description="Why it is normal; stored with the baseline.")
    days: NormalDays = Field(
        NormalDays.INCIDENT,
        description="What nights are compared with from now on: the incident's own days, or "
        "accepted days of the same season of earlier years.",
    )


def of_model(model_id: uuid.UUID) -> ColumnElement[bool]:
    """Incidents of the model, and those that were opened of it and that another took over."""
    opened = select(DriftReport.id).where(DriftReport.model_id == model_id)
    return (Incident.model_id == model_id) | Incident.report_id.in_(opened)


def page(session: Session, query: IncidentQuery) -> tuple[list[Incident], str | None]:
    statement = select(Incident)
    if query.state is not None:
        statement = statement.where(Incident.state == query.state)
    if query.model is not None:
        model = models.find(session, query.model)
        statement = statement.where(of_model(model.id))
    return fetch(session, statement, (Incident.opened_at, Incident.id), query)


def acknowledge_incident(session: Session, incident_id: uuid.UUID, *, who: str) -> Incident:
    """Record who works on the incident; a second acknowledgement does not replace the first.

    Raises:
        Problem: 404 if there is no such incident, 409 if it is resolved.
    """
    found = _unresolved(session, incident_id)
    incident.acknowledge(found, who=who)
    audit.record(session, who=who, action="acknowledged", on=found)
    session.flush()
    return found


def resolve_incident(
    session: Session, incident_id: uuid.UUID, *, who: str, resolution: str
) -> Incident:
    """Resolve the incident, with its alert and event; ``resolution`` is stored with ``who``.

    Raises:
        Problem: 404 if there is no such incident, 409 if it is resolved.
    """
    found = _unresolved(session, incident_id)
    incident.resolve(session, found, resolution=f"{resolution} ({who})")
    audit.record(session, who=who, action="resolved", on=found, detail=resolution)
    session.flush()
    return found


def accept_incident(
    session: Session,
    incident_id: uuid.UUID,
    *,
    who: str,
    reason: str,
    days: NormalDays = NormalDays.INCIDENT,
) -> Incident:
    """Accept what the incident found as normal; it ends, and nights are compared with other days.

    Of two people who accept at once, the first one's reason is stored, and the second is told so.

    Raises:
        Problem: 404 if there is no such incident, 409 if it is resolved or a skew, or if earlier
            years have too few days of this season.
    """
    found = _unresolved(session, incident_id)
    if found.kind != IncidentKind.DRIFT:
        detail = "A skew is no new normal of days; accept it by 'accept-skew', with a note."
        raise conflict("not-a-drift", detail)
    try:
        season = days is NormalDays.SEASON
        incident.accept(session, found, who=who, reason=reason, season=season)
    except NotPossible as why:
        raise conflict("season-unknown", f"{str(why).capitalize()}.") from why
    audit.record(session, who=who, action="accepted the new normal", on=found, detail=reason)
    session.flush()
    return found


def _unresolved(session: Session, incident_id: uuid.UUID) -> Incident:
    """The incident, locked until the transaction ends, under the lock of its model."""
    unlocked = lookup.one(session, Incident, incident_id, "incident")
    incident.locked_model(session, unlocked.model_id)
    found = lookup.one(session, Incident, incident_id, "incident", lock=True)
    if found.state == IncidentState.RESOLVED:
        detail = f"Incident {incident_id} is resolved already: {found.resolution}."
        raise conflict("incident-resolved", detail)
    return found


@router.get("", summary="Incidents, newest first")
def list_incidents(
    session: Reading, _: Reader, query: Annotated[IncidentQuery, Query()]
) -> Page[IncidentOut]:
    return shown(IncidentOut, page(session, query))


@router.post("/{incident_id}/acknowledge", summary="Acknowledge an incident")
def acknowledge(incident_id: uuid.UUID, session: Writing, operator: Operator) -> IncidentOut:
    found = acknowledge_incident(session, incident_id, who=operator.name)
    return IncidentOut.model_validate(found)


@router.post("/{incident_id}/resolve", summary="Resolve an incident")
def resolve(
    incident_id: uuid.UUID, body: ResolveIn, session: Writing, operator: Operator
) -> IncidentOut:
    found = resolve_incident(session, incident_id, who=operator.name, resolution=body.resolution)
    return IncidentOut.model_validate(found)


@router.post("/{incident_id}/accept", summary="Accept the new normal")
def accept(
    incident_id: uuid.UUID, body: AcceptIn, session: Writing, operator: Operator
) -> IncidentOut:
    found = accept_incident(
        session, incident_id, who=operator.name, reason=body.reason, days=body.days
    )
    return IncidentOut.model_validate(found)
