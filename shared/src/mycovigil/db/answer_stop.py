"""Stops of the product's answers: while one is in force, every answer is ``cannot_tell``."""

import datetime

from sqlalchemy import DateTime, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from mycovigil.db.base import Base, CreatedAt, Key


class AnswerStop(Base):
    """In force until ``ended_at``; at most one at a time. ``reason`` is shown to whoever asks."""

    __tablename__ = "answer_stops"
    __table_args__ = (
        Index(
            "ix_answer_stops_one_in_force",
            text("(ended_at IS NULL)"),
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[Key]
    reason: Mapped[str]
    stopped_by: Mapped[str]
    created_at: Mapped[CreatedAt]
    ended_by: Mapped[str | None]
    ended_reason: Mapped[str | None]
    ended_at: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
