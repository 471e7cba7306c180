"""Retrain jobs over the wire."""

import datetime
import uuid
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from mycovigil.db.retrain import JobState
from mycovigil_drift.pagination import PageQuery


class RetrainJobIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=3, max_length=500, description="Why; it is kept.")


class RetrainJobOut(BaseModel):
    """``model_id`` is the candidate it made; ``incident_id`` is empty for a person's wish."""

    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    incident_id: uuid.UUID | None
    requested_by: str
    state: JobState
    parameters: dict[str, Any]
    attempts: int
    lease_until: datetime.datetime | None
    model_id: uuid.UUID | None
    error: str | None
    created_at: datetime.datetime
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None


class RetrainJobQuery(PageQuery):
    state: JobState | None = None
    incident_id: uuid.UUID | None = None
