"""Lines of the audit trail over the wire."""

import datetime
import uuid

from pydantic import BaseModel, ConfigDict, Field

from mycovigil_drift.pagination import PageQuery


class AuditLineOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    who: str
    action: str
    subject: str
    subject_id: uuid.UUID
    detail: str
    created_at: datetime.datetime


class AuditQuery(PageQuery):
    subject_id: uuid.UUID | None = Field(None, description="Lines about this row only.")
