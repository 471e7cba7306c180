"""Which photos models may learn from, and which are held out for gates."""

from enum import StrEnum

from sqlalchemy.orm import Mapped, mapped_column

from mycovigil.db.base import Base, CreatedAt, one_of


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
