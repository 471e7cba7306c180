"""The prediction log, one row an answer, partitioned by day; and labels that arrive later."""

import datetime
import uuid
from enum import StrEnum
from typing import Any

from sqlalchemy import DateTime, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from mycovigil.db.base import Base, CreatedAt, Double, Features, Key, Real, Reals, Strings, one_of
from mycovigil.db.covariate import CovariateColumns
from mycovigil.models.safety import Advice, CertificateStatus, SafetyClass


class Prediction(CovariateColumns, Base):
    """``created_at`` is the instant inside the UUIDv7 ``id``, so that a lookup by id alone
    prunes to one day, and a row drained twice from the spool collides with itself.

    ``sample_key`` is uniform on [0, 1): the first n rows by it are a random sample by index.
    ``client`` is the name of the API key, which several keys may have, ``key_prefix`` is the key;
    none in rows older than the column. No foreign keys: partitions are dropped whole by retention.
    ``features`` and what follows from them are of all photos of the answer together;
    ``photo_rows`` are its single photos, one document each (see
    :class:`mycovigil.references.photo_row.PhotoRow`), none where there is one photo only, and in
    rows older than the column. ``fingerprint``: of the first photo.
    """

    __tablename__ = "predictions"
    __table_args__ = (
        Index(None, "model_id", "created_at"),
        Index(None, "model_id", "sample_key"),
        Index(None, "image_key", postgresql_where=text("image_key IS NOT NULL")),
        one_of("label", SafetyClass),
        one_of("verdict", Advice),
        one_of("certificate", CertificateStatus),
        {"postgresql_partition_by": "RANGE (created_at)"},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    logged_at: Mapped[CreatedAt]
    request_id: Mapped[str]
    trace_id: Mapped[str | None]
    client: Mapped[str]
    key_prefix: Mapped[str | None]
    group_key: Mapped[str | None]
    app_version: Mapped[str | None]
    model_id: Mapped[uuid.UUID]
    encoder_id: Mapped[uuid.UUID]
    features: Mapped[Features]
    probabilities: Mapped[Reals]
    label: Mapped[str]
    prediction_set: Mapped[Strings]
    verdict: Mapped[str]
    certificate: Mapped[str]
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    distance: Mapped[Real]
    photos: Mapped[int] = mapped_column(default=1, server_default="1")
    image_sha256: Mapped[str]
    image_key: Mapped[str | None]
    photo_rows: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))
    fingerprint: Mapped[bytes | None]
    sample_key: Mapped[Double] = mapped_column(server_default=func.random())
    latency_ms: Mapped[Real]


class ChosenBy(StrEnum):
    """How a photo came to be labelled. Only ``random`` ones say how often a model errs: the others
    were chosen because it may."""

    RANDOM = "random"
    RISK = "risk"
    NOVEL_CLUSTER = "novel_cluster"
    DISAGREEMENT = "disagreement"


class LabelRequest(Base):
    """A photo whose label is asked for; written by the worker alone, so that no client decides how
    its own labels count. Of ``incident_id``, or of an ordinary week without one.

    ``position``: its place in the queue.
    """

    __tablename__ = "label_requests"
    __table_args__ = (one_of("chosen_by", ChosenBy),)

    prediction_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    chosen_by: Mapped[str]
    model_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("models.id"))
    incident_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("incidents.id"), index=True)
    position: Mapped[int]
    created_at: Mapped[CreatedAt]


class Label(Base):
    """Ground truth from a person. ``confidence`` is theirs: certain, probable or guess.

    One label a key: ``labelled_by`` is its name, ``key_prefix`` the key, as in a prediction.
    ``chosen_by``: why the photo was asked about; none if the caller chose it.
    """

    __tablename__ = "labels"
    __table_args__ = (
        UniqueConstraint(
            "prediction_id", "labelled_by", "key_prefix", postgresql_nulls_not_distinct=True
        ),
        one_of("label", SafetyClass),
        one_of("chosen_by", ChosenBy),
    )

    id: Mapped[Key]
    prediction_id: Mapped[uuid.UUID]
    label: Mapped[str]
    species: Mapped[str | None]
    confidence: Mapped[str]
    labelled_by: Mapped[str]
    key_prefix: Mapped[str | None]
    chosen_by: Mapped[str | None]
    created_at: Mapped[CreatedAt]
