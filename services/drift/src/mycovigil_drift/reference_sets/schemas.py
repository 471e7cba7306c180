"""Reference sets over the wire."""

import datetime
import uuid
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

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
    months: list[int] | None
    recipe: dict[str, Any]
    created_at: datetime.datetime
    frozen_at: datetime.datetime | None
    retired_at: datetime.datetime | None


class ReferenceSetIn(BaseModel):
    """A stretch of production that was calm; ``months`` (1 to 12) makes the set seasonal."""

    model_config = ConfigDict(extra="forbid")
    model_id: uuid.UUID
    name: str = Field(min_length=3, max_length=100)
    since: AwareDatetime
    until: AwareDatetime
    rows: int = Field(10_000, ge=100, le=10_000, description="Most photos; drawn at random.")
    months: list[Annotated[int, Field(ge=1, le=12)]] | None = Field(None, max_length=12)
    accept_drift: bool = Field(False, description="Take it although nights of it drifted.")


class ReferenceSetQuery(PageQuery):
    model: str | None = None
