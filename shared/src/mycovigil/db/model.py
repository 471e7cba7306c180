"""Models, their way into production, which photos they may learn from, and stops of their
answers."""

import datetime
import uuid
from enum import StrEnum
from typing import Any

from sqlalchemy import DateTime, ForeignKey, Index, false, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from mycovigil.db.base import Base, CreatedAt, Json, Key, one_of
from mycovigil.models.safety import CertificateStatus


class ModelStatus(StrEnum):
    CANDIDATE = "candidate"
    SHADOW = "shadow"
    PRODUCTION = "production"
    ARCHIVED = "archived"
    REJECTED = "rejected"


class Model(Base):
    """A head on an encoder; ``artifact_uri`` is its bundle in storage, checked by ``sha256``.

    ``demo``: the packaged model of `mycovigil.models.demo`, which no other is compared with.
    """

    __tablename__ = "models"
    __table_args__ = (
        Index(
            "ix_models_one_production",
            "status",
            unique=True,
            postgresql_where=text("status = 'production'"),
        ),
        one_of("status", ModelStatus),
        one_of("certificate_state", CertificateStatus),
    )

    id: Mapped[Key]
    version: Mapped[str] = mapped_column(unique=True)
    encoder_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("encoders.id"))
    parent_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("models.id"))
    artifact_uri: Mapped[str]
    artifact_sha256: Mapped[str]
    metrics: Mapped[Json]
    calibration: Mapped[Json]
    certificate: Mapped[Json]
    certificate_state: Mapped[str]
    certificate_reason: Mapped[str] = mapped_column(default="", server_default="")
    status: Mapped[str] = mapped_column(default=ModelStatus.CANDIDATE)
    created_at: Mapped[CreatedAt]
    promoted_at: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
    demo: Mapped[bool] = mapped_column(default=False, server_default=false())


class PromotionDecision(StrEnum):
    INITIAL = "initial"
    PASSED = "passed"
    REFUSED = "refused"
    ROLLBACK = "rollback"


class Promotion(Base):
    """One decision of the gate, with the evidence it was taken on."""

    __tablename__ = "promotions"
    __table_args__ = (one_of("decision", PromotionDecision),)

    id: Mapped[Key]
    model_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("models.id"), index=True)
    replaced_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("models.id"))
    decision: Mapped[str]
    evidence: Mapped[dict[str, Any]] = mapped_column(JSONB)
    decided_by: Mapped[str]
    created_at: Mapped[CreatedAt]


class Side(StrEnum):
    """Of a photo; the photos of a specimen share it."""

    TRAINING = "training"
    HOLDOUT = "holdout"


class PhotoSide(Base):
    """The side of a photo, written once, when a training first saw it. It changes only from
    ``holdout`` to ``training``: where its specimen turns out to stand on both sides."""

    __tablename__ = "photo_sides"
    __table_args__ = (one_of("side", Side),)

    sha256: Mapped[str] = mapped_column(primary_key=True)
    side: Mapped[str]
    specimen: Mapped[str]
    created_at: Mapped[CreatedAt]


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
