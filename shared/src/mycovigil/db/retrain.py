"""Retrain jobs: at most one an incident, which waits until its drifted days have labels, and runs
under a lease with a fencing token."""

import datetime
import uuid
from enum import StrEnum

from sqlalchemy import DateTime, ForeignKey, false
from sqlalchemy.orm import Mapped, mapped_column

from mycovigil.db.base import Base, CreatedAt, Json, Key, one_of


class JobState(StrEnum):
    WAITING_FOR_LABELS = "waiting_for_labels"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class RetrainJob(Base):
    """``lease_token`` grows with every taking of the lease: a worker that lost it and wakes
    again holds an old token and can write nothing (Kleppmann, fencing).

    ``labels_needed``: labelled specimens of the incident's drifted days before it trains,
    ``dangerous_needed`` of them predicted deadly or poisonous; none for a job that a person
    requested. ``trainings``: those whose end was recorded; with the id it names the next one.
    ``remote_job``: the newest one's name in Vertex AI; ``remote_open``: whether one may run there.
    ``refusals``: candidates of it that the gate refused. ``asked_at``: when a person was
    asked, because it had waited for too long or too often.
    """

    __tablename__ = "retrain_jobs"
    __table_args__ = (one_of("state", JobState),)

    id: Mapped[Key]
    incident_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("incidents.id"), unique=True)
    requested_by: Mapped[str]
    state: Mapped[str]
    parameters: Mapped[Json]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    lease_token: Mapped[int] = mapped_column(default=0, server_default="0")
    lease_until: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
    labels_needed: Mapped[int | None]
    dangerous_needed: Mapped[int | None]
    refusals: Mapped[int] = mapped_column(default=0, server_default="0")
    waiting_since: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
    asked_at: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
    trainings: Mapped[int] = mapped_column(default=0, server_default="0")
    remote_job: Mapped[str | None]
    remote_open: Mapped[bool] = mapped_column(default=False, server_default=false())
    model_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("models.id"))
    error: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    started_at: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
