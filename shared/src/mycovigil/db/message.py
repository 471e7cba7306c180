"""Outbox and inbox: effects travel by rows (transactional outbox, idempotent consumer)."""

import datetime
import uuid

from sqlalchemy import DateTime, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from mycovigil.db.base import Base, CreatedAt, Json, Key


class OutboxMessage(Base):
    """A CloudEvent written in the transaction of the change that it reports."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_unpublished", "created_at", postgresql_where=text("published_at IS NULL")),
    )

    id: Mapped[Key]
    topic: Mapped[str]
    ordering_key: Mapped[str]
    event: Mapped[Json]
    created_at: Mapped[CreatedAt]
    published_at: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    last_error: Mapped[str | None]


class InboxMessage(Base):
    """An event that a consumer has handled, in the transaction of its effect."""

    __tablename__ = "inbox"

    consumer: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    handled_at: Mapped[CreatedAt]
