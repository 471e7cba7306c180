"""The audit trail: who did what to which row, when. Lines are added, never changed."""

import uuid

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from mycovigil.db.base import Base, CreatedAt, Key


class AuditLine(Base):
    """``subject`` is the table of the row that was acted on, ``subject_id`` its key; no foreign
    key, so that a line outlives its subject. ``detail``: the reason given, or the outcome."""

    __tablename__ = "audit_lines"
    __table_args__ = (Index(None, "subject_id", "created_at"), Index(None, "created_at", "id"))

    id: Mapped[Key]
    who: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    subject_id: Mapped[uuid.UUID]
    detail: Mapped[str]
    created_at: Mapped[CreatedAt]
