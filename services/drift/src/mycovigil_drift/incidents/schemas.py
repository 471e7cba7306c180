"""Incidents over the wire."""

import datetime
import uuid
from typing import Any

from pydantic import BaseModel, ConfigDict

from mycovigil.db.alert import IncidentState, Severity
from mycovigil_drift.alerts.schemas import AlertOut
from mycovigil_drift.models.schemas import PromotionOut
from mycovigil_drift.pagination import PageQuery
from mycovigil_drift.retrain_jobs.schemas import RetrainJobOut


class IncidentOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    model_id: uuid.UUID
    report_id: uuid.UUID
    state: IncidentState
    severity: Severity
    cause: str
    opened_at: datetime.datetime
    acknowledged_at: datetime.datetime | None
    acknowledged_by: str | None
    resolved_at: datetime.datetime | None
    resolution: str | None


class IncidentStory(IncidentOut):
    """The incident with all that followed, to walk along."""

    alerts: list[AlertOut]
    events: list[dict[str, Any]]
    retrain_job: RetrainJobOut | None
    promotions: list[PromotionOut]


class IncidentQuery(PageQuery):
    state: IncidentState | None = None
    model: str | None = None
