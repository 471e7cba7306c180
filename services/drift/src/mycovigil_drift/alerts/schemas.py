"""Alerts over the wire."""

import datetime
import uuid

from pydantic import BaseModel, ConfigDict, Field

from mycovigil.db.alert import AlertKind, Severity
from mycovigil_drift.pagination import PageQuery


class AlertOut(BaseModel):
    """``event_id`` is the event it sent; empty while ``silence_id`` holds it back."""

    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    incident_id: uuid.UUID
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


class ResolveIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    resolution: str = Field(min_length=3, max_length=500, description="What was done; it is kept.")
