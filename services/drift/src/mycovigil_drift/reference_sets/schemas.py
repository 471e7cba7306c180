"""Reference sets over the wire."""

import datetime
import uuid

from pydantic import BaseModel, ConfigDict

from mycovigil_drift.pagination import PageQuery


class ReferenceSetOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    name: str
    source: str
    model_id: uuid.UUID
    encoder_id: uuid.UUID
    content_hash: str
    rows: int
    created_at: datetime.datetime
    frozen_at: datetime.datetime | None
    retired_at: datetime.datetime | None


class ReferenceSetQuery(PageQuery):
    model: str | None = None
