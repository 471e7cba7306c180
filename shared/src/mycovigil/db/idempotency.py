"""Idempotency keys: a retried upload is one prediction."""

import uuid

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from mycovigil.db.base import Base, CreatedAt


class IdempotencyKey(Base):
    """What a client's ``Idempotency-Key`` stands for (draft-ietf-httpapi-idempotency-key-header).

    ``client`` is the prefix of the API key, so that clients cannot meet each other's answers;
    ``fingerprint`` is the sha256 of the photos, so that a key used for others is refused.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index(None, "created_at"),)

    client: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    prediction_id: Mapped[uuid.UUID]
    created_at: Mapped[CreatedAt]
