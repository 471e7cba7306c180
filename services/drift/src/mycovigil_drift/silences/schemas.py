"""Silences over the wire."""

import datetime
import uuid

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from mycovigil_drift.pagination import PageQuery


class SilenceIn(BaseModel):
    """``model_id`` empty silences all models; ``starts_at`` empty means now."""

    model_config = ConfigDict(extra="forbid")
    model_id: uuid.UUID | None = None
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime
    reason: str = Field(min_length=3, max_length=500, description="Why; it is kept.")


class SilenceOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    model_id: uuid.UUID | None
    starts_at: datetime.datetime
    ends_at: datetime.datetime
    reason: str
    created_by: str
    created_at: datetime.datetime


class SilenceQuery(PageQuery):
    active: bool | None = Field(None, description="Only those (not) in force now.")
