"""``/v1/alerts``: read, acknowledged, resolved. Both act on the alert's incident."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query

from mycovigil_drift.access import Operator, Reader
from mycovigil_drift.alerts import queries
from mycovigil_drift.alerts.schemas import AlertOut, AlertQuery, ResolveIn
from mycovigil_drift.incidents import response
from mycovigil_drift.incidents.schemas import IncidentOut
from mycovigil_drift.pagination import Page, shown
from mycovigil_drift.session import Reading, Writing

router = APIRouter(prefix="/v1/alerts", tags=["alerts"])


@router.get("", summary="Alerts, newest first")
def list_alerts(
    session: Reading, _: Reader, query: Annotated[AlertQuery, Query()]
) -> Page[AlertOut]:
    return shown(AlertOut, queries.page(session, query))


@router.get("/{alert_id}", summary="One alert")
def get_alert(alert_id: uuid.UUID, session: Reading, _: Reader) -> AlertOut:
    return AlertOut.model_validate(queries.get(session, alert_id))


@router.post("/{alert_id}/acknowledge", summary="Somebody is looking at the alert's incident")
def acknowledge(alert_id: uuid.UUID, session: Writing, operator: Operator) -> IncidentOut:
    incident_id = queries.get(session, alert_id).incident_id
    found = response.acknowledge(session, incident_id, who=operator.name)
    return IncidentOut.model_validate(found)


@router.post("/{alert_id}/resolve", summary="The alert's incident is over")
def resolve(
    alert_id: uuid.UUID, body: ResolveIn, session: Writing, operator: Operator
) -> IncidentOut:
    incident_id = queries.get(session, alert_id).incident_id
    found = response.resolve(session, incident_id, who=operator.name, resolution=body.resolution)
    return IncidentOut.model_validate(found)
