"""Days of production as sketches, and baselines: the days that nights are compared with."""

import datetime
import uuid
from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from mycovigil.db.alert import Incident
from mycovigil.db.base import Base, CreatedAt, Double, Instant, Key, one_of
from mycovigil.db.reference import ReferenceSet


class BaselineReason(StrEnum):
    """Why a baseline began: without one before it, or because a new normal was accepted."""

    FIRST_DAYS = "first days"
    MODEL_LEARNED = "model learned"
    ACCEPTED = "accepted"
    SEASON = "season"


class DayGeometry(Base):
    """What turns an encoder's features into the columns of a sketch; in storage, by ``sha256``.

    Fitted once an encoder, on the rows of ``reference_set_id``: sketches of two geometries are
    never compared.
    """

    __tablename__ = "day_geometries"

    id: Mapped[Key]
    encoder_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("encoders.id"), unique=True)
    reference_set_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ReferenceSet.id))
    storage_key: Mapped[str]
    sha256: Mapped[str]
    created_at: Mapped[CreatedAt]


class DaySketch(Base):
    """A day in some kilobytes. Without ``model_id`` it is the feature part, which holds for every
    model of the encoder, else the prediction part of that model.

    ``rows`` photos of ``units`` independent groups were sketched; ``content`` is an npz file, and
    ``content_hash`` its sha256.
    """

    __tablename__ = "day_sketches"
    __table_args__ = (
        UniqueConstraint(
            "geometry_id",
            "model_id",
            "day_start",
            "day_end",
            name="uq_day_sketches_day",
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("day_start < day_end", name="day_lasts"),
    )

    id: Mapped[Key]
    encoder_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("encoders.id"))
    geometry_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("day_geometries.id"))
    model_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("models.id"))
    day_start: Mapped[Instant]
    day_end: Mapped[Instant]
    rows: Mapped[int]
    units: Mapped[int]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    content_hash: Mapped[str]
    created_at: Mapped[CreatedAt]


class Baseline(Base):
    """Accepted days of production that an encoder's nights are compared with.

    At most one is current an encoder, the one without ``ended_at``. Since ``standing_since`` no day
    enters it. ``incident_id``: the drift after which it began.
    """

    __tablename__ = "baselines"
    __table_args__ = (
        Index(
            "ix_baselines_one_current",
            "encoder_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        one_of("reason", BaselineReason),
    )

    id: Mapped[Key]
    encoder_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("encoders.id"))
    geometry_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("day_geometries.id"))
    started_at: Mapped[Instant]
    reason: Mapped[str]
    # Reports name their baseline: the metadata would be a circle without `use_alter`.
    incident_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey(Incident.id, name="fk_baselines_incident_id_incidents", use_alter=True)
    )
    accepted_by: Mapped[str | None]
    note: Mapped[str] = mapped_column(default="", server_default="")
    standing_since: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))


class BaselineDay(Base):
    """A day of a baseline and the ``rule`` by which it entered; none is deleted.

    ``outlier_p``: p-value of the day beside the others, once the baseline stands still. A day that
    a person withdrew counts no longer.
    """

    __tablename__ = "baseline_days"
    __table_args__ = (CheckConstraint("day_start < day_end", name="day_lasts"),)

    baseline_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("baselines.id", ondelete="CASCADE"), primary_key=True
    )
    day_start: Mapped[Instant] = mapped_column(primary_key=True)
    day_end: Mapped[Instant]
    rule: Mapped[str]
    entered_at: Mapped[Instant]
    outlier_p: Mapped[Double | None]
    withdrawn_at: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
    withdrawn_by: Mapped[str | None]
    withdrawn_reason: Mapped[str | None]


class SkewAcceptance(Base):
    """A person accepts that production differs from a training set, for all heads on the encoder.

    ``training_set_hash``: content hash of the training reference set.
    """

    __tablename__ = "skew_acceptances"
    __table_args__ = (UniqueConstraint("encoder_id", "training_set_hash"),)

    id: Mapped[Key]
    encoder_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("encoders.id"))
    training_set_hash: Mapped[str]
    accepted_by: Mapped[str]
    note: Mapped[str]
    created_at: Mapped[CreatedAt]
