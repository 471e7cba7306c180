"""``/v1/incidents``."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query

from mycovigil_drift.access import Operator, Reader
from mycovigil_drift.alerts.schemas import AlertOut, ResolveIn
from mycovigil_drift.incidents import queries, response
from mycovigil_drift.incidents.schemas import IncidentOut, IncidentQuery, IncidentStory
from mycovigil_drift.models.schemas import PromotionOut
from mycovigil_drift.pagination import Page, shown
from mycovigil_drift.retrain_jobs.schemas import RetrainJobOut
from mycovigil_drift.session import Reading, Writing

router = APIRouter(prefix="/v1/incidents", tags=["incidents"])


@router.get("", summary="Incidents, newest first")
def list_incidents(
    session: Reading, _: Reader, query: Annotated[IncidentQuery, Query()]
) -> Page[IncidentOut]:
    return shown(IncidentOut, queries.page(session, query))


@router.get("/{incident_id}", summary="An incident and all that followed from it")
def get_incident(incident_id: uuid.UUID, session: Reading, _: Reader) -> IncidentStory:
    story = queries.story(session, incident_id)
    return IncidentStory(
        **IncidentOut.model_validate(story.incident).model_dump(),
        alerts=[AlertOut.model_validate(alert) for alert in story.alerts],
        events=[message.event for message in story.events],
        retrain_job=RetrainJobOut.model_validate(story.job) if story.job else None,
        promotions=[PromotionOut.model_validate(row) for row in story.promotions],
    )


@router.post("/{incident_id}/acknowledge", summary="Somebody is looking at it")
def acknowledge(incident_id: uuid.UUID, session: Writing, operator: Operator) -> IncidentOut:
    found = response.acknowledge(session, incident_id, who=operator.name)
    return IncidentOut.model_validate(found)


@router.post("/{incident_id}/resolve", summary="It is over")
def resolve(
    incident_id: uuid.UUID, body: ResolveIn, session: Writing, operator: Operator
) -> IncidentOut:
    found = response.resolve(session, incident_id, who=operator.name, resolution=body.resolution)
    return IncidentOut.model_validate(found)
