"""Encoders: what turned a photo into features. Features of two encoders are never compared.

Kept photos can be encoded anew by another encoder than the one that answered: its features, and by
day how far that has come, are here too.
"""

import datetime
import uuid
from enum import StrEnum

from sqlalchemy import DateTime, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mycovigil.db.base import Base, CreatedAt, Features, Instant, Key, Real, one_of


class Encoder(Base):
    __tablename__ = "encoders"
    __table_args__ = (UniqueConstraint("onnx_digest", "preprocessing_digest"),)

    id: Mapped[Key]
    name: Mapped[str]
    architecture: Mapped[str]
    weights_digest: Mapped[str]
    onnx_digest: Mapped[str]
    precision: Mapped[str]
    dimension: Mapped[int]
    preprocessing_digest: Mapped[str]
    uri: Mapped[str]
    licence: Mapped[str]
    created_at: Mapped[CreatedAt]


class DayState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class EncodedDay(Base):
    """A day (UTC) of the prediction log for one encoder: asking twice for it is asking once.

    ``total``: answers of other encoders on the day, none before it began. Of these ``encoded``
    have features, ``removed`` have no photo (not kept, or removed by retention), ``undecodable``
    one that cannot be decoded. All answers up to ``last_id`` are among these: a batch moves it in
    the transaction that writes its features. ``attempts`` without a batch since the last one;
    ``lease_token`` as in :class:`mycovigil.db.retrain.RetrainJob`.
    """

    __tablename__ = "encoded_days"
    __table_args__ = (one_of("state", DayState),)

    encoder_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("encoders.id"), primary_key=True)
    day: Mapped[datetime.date] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(default=DayState.WAITING, server_default="waiting")
    requested_by: Mapped[str]
    total: Mapped[int | None]
    last_id: Mapped[uuid.UUID | None]
    encoded: Mapped[int] = mapped_column(default=0, server_default="0")
    removed: Mapped[int] = mapped_column(default=0, server_default="0")
    undecodable: Mapped[int] = mapped_column(default=0, server_default="0")
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    lease_token: Mapped[int] = mapped_column(default=0, server_default="0")
    lease_until: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
    problem: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    started_at: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))


class EncodedPhoto(Base):
    """Features of a kept photo by an encoder that did not answer it: of an answer to several
    photos the first one's, which is the one that is kept.

    Covariates of the light are measured on the encoder's square; size and JPEG quality of the
    photo as it came stay in the prediction's row. No foreign key: see
    :class:`mycovigil.db.prediction.Prediction`. The key begins with the time, by which nights are
    read and retention deletes.
    """

    __tablename__ = "encoded_photos"

    created_at: Mapped[Instant] = mapped_column(primary_key=True)
    prediction_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    encoder_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    features: Mapped[Features]
    brightness: Mapped[Real]
    contrast: Mapped[Real]
    sharpness: Mapped[Real]
    colour_temperature: Mapped[Real]
    saturation: Mapped[Real]
    encoded_at: Mapped[CreatedAt]
