"""Alerts: messages about an incident or a failed night. ``/v1/alerts``; acknowledging or resolving
one acts on its incident."""

import datetime
import uuid
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.alert import Alert, AlertKind, Severity
from mycovigil.problem import conflict
from mycovigil_drift import lookup
from mycovigil_drift.access import Operator, Reader
from mycovigil_drift.pagination import Page, PageQuery, fetch, shown
from mycovigil_drift.resources.incidents import (
    IncidentOut,
    ResolveIn,
    acknowledge_incident,
    resolve_incident,
)
from mycovigil_drift.session import Reading, Writing

router = APIRouter(prefix="/v1/alerts", tags=["alerts"])


class AlertOut(BaseModel):
    """``event_id``: the event it was published as; empty while ``silence_id`` holds it back.
    ``incident_id``: empty for ``night_failed``, which belongs to the report alone."""

    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    incident_id: uuid.UUID | None
    report_id: uuid.UUID | None
    kind: AlertKind
    severity: Severity
    message: str
    event_id: uuid.UUID | None
    silence_id: uuid.UUID | None
    created_at: datetime.datetime


class AlertQuery(PageQuery):
    kind: AlertKind | None = None
    severity: Severity | None = None
    incident_id: uuid.UUID | None = None


def page(session: Session, query: AlertQuery) -> tuple[list[Alert], str | None]:
    wanted = query.model_dump(exclude_none=True, exclude={"limit", "cursor"})
    return fetch(session, select(Alert).filter_by(**wanted), (Alert.created_at, Alert.id), query)


def get(session: Session, alert_id: uuid.UUID) -> Alert:
    """One alert.

    Raises:
        Problem: 404 if there is no such alert.
    """
    return lookup.one(session, Alert, alert_id, "alert")


def _incident_of(session: Session, alert_id: uuid.UUID) -> uuid.UUID:
    """The incident of an alert.

    Raises:
        Problem: 404 if there is no such alert, 409 if it is about a failed night.
    """
    incident_id = get(session, alert_id).incident_id
    if incident_id is None:
        raise conflict("no-incident", f"Alert {alert_id} belongs to no incident: a night failed.")
    return incident_id


@router.get("", summary="Alerts, newest first")
def list_alerts(
    session: Reading, _: Reader, query: Annotated[AlertQuery, Query()]
) -> Page[AlertOut]:
    return shown(AlertOut, page(session, query))


@router.get("/{alert_id}", summary="One alert")
def get_alert(alert_id: uuid.UUID, session: Reading, _: Reader) -> AlertOut:
    return AlertOut.model_validate(get(session, alert_id))


@router.post("/{alert_id}/acknowledge", summary="Acknowledge the alert's incident")
def acknowledge(alert_id: uuid.UUID, session: Writing, operator: Operator) -> IncidentOut:
    incident_id = _incident_of(session, alert_id)
    found = acknowledge_incident(session, incident_id, who=operator.name)
    return IncidentOut.model_validate(found)


@router.post("/{alert_id}/resolve", summary="Resolve the alert's incident")
def resolve(
    alert_id: uuid.UUID, body: ResolveIn, session: Writing, operator: Operator
) -> IncidentOut:
    incident_id = _incident_of(session, alert_id)
    found = resolve_incident(session, incident_id, who=operator.name, resolution=body.resolution)
    return IncidentOut.model_validate(found)
