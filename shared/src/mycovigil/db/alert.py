"""Incidents, the alerts they raise, and silences."""

import datetime
import uuid
from enum import StrEnum

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from mycovigil.db.base import Base, CreatedAt, Instant, Key, one_of


class IncidentState(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class IncidentKind(StrEnum):
    """Drift: production differs from its accepted days; skew: from what the model learned from."""

    DRIFT = "drift"
    SKEW = "skew"


class EndedBy(StrEnum):
    """What ended an incident: a model that learned from it, a person who accepted the new normal,
    calm nights, or a person who resolved it without accepting."""

    MODEL = "model"
    ACCEPTED = "accepted"
    CALM = "calm"
    PERSON = "person"


class AlertKind(StrEnum):
    OPENED = "opened"
    ESCALATED = "escalated"
    RESOLVED = "resolved"
    NIGHT_FAILED = "night_failed"
    LABELS_WANTED = "labels_wanted"


class Severity(StrEnum):
    WARNING = "warning"
    CRITICAL = "critical"


class Incident(Base):
    """A drift or skew from the first bad night until it is resolved.

    At most one of a kind is unresolved a model.

    ``proof``: the harm that labels proved, in words; null where there were only features.
    ``superseded_by_id``: the model whose promotion ended it; a rollback opens it again.
    """

    __tablename__ = "incidents"
    __table_args__ = (
        Index(
            "ix_incidents_one_unresolved",
            "model_id",
            "kind",
            unique=True,
            postgresql_where=text("state <> 'resolved'"),
        ),
        one_of("state", IncidentState),
        one_of("severity", Severity),
        one_of("kind", IncidentKind),
        one_of("ended_by", EndedBy),
    )

    id: Mapped[Key]
    model_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("models.id"))
    kind: Mapped[str] = mapped_column(
        default=IncidentKind.DRIFT, server_default=IncidentKind.DRIFT.value
    )
    report_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("drift_reports.id"))
    state: Mapped[str]
    severity: Mapped[str]
    cause: Mapped[str]
    opened_at: Mapped[CreatedAt]
    acknowledged_at: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
    acknowledged_by: Mapped[str | None]
    resolved_at: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
    resolution: Mapped[str | None]
    ended_by: Mapped[str | None]
    proof: Mapped[str | None]
    superseded_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("models.id"))


class Alert(Base):
    """A message about an incident or, of kind ``night_failed`` and without an incident, about a
    night that could not be judged. ``event_id`` is its row in the outbox, null while a silence
    withholds it."""

    __tablename__ = "alerts"
    __table_args__ = (
        one_of("kind", AlertKind),
        one_of("severity", Severity),
        CheckConstraint("(kind = 'night_failed') = (incident_id IS NULL)", name="incident_known"),
    )

    id: Mapped[Key]
    incident_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("incidents.id"), index=True)
    report_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("drift_reports.id"))
    kind: Mapped[str]
    severity: Mapped[str]
    message: Mapped[str]
    event_id: Mapped[uuid.UUID | None]
    silence_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("silences.id"))
    created_at: Mapped[CreatedAt]


class Silence(Base):
    """No alert events for a model (or for all, when empty) from ``starts_at`` to ``ends_at``."""

    __tablename__ = "silences"

    id: Mapped[Key]
    model_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("models.id"))
    starts_at: Mapped[Instant]
    ends_at: Mapped[Instant]
    reason: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[CreatedAt]
