"""Encoders: what turned a photo into features. Features of two encoders are never compared."""

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from mycovigil.db.base import Base, CreatedAt, Key


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
