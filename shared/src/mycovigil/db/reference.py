"""Reference sets: frozen rows that nights are compared with."""

import datetime
import uuid

from sqlalchemy import DateTime, ForeignKey, SmallInteger
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from mycovigil.db.base import Base, CreatedAt, Features, Json, Key, Reals
from mycovigil.db.covariate import CovariateColumns


class ReferenceSet(Base):
    """Belongs to the model whose probabilities it holds.

    One is active a model and moment: the newest that is frozen, not retired, and of the moment's
    month; a set without ``months`` serves where no seasonal one does. ``recipe``: how it was
    made, for programs. A set that is not frozen is a draft, and no night is compared with it.
    """

    __tablename__ = "reference_sets"

    id: Mapped[Key]
    name: Mapped[str]
    source: Mapped[str]
    model_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("models.id"), index=True)
    encoder_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("encoders.id"))
    content_hash: Mapped[str]
    rows: Mapped[int]
    months: Mapped[list[int] | None] = mapped_column(ARRAY(SmallInteger))
    recipe: Mapped[Json] = mapped_column(default=dict, server_default="{}")
    created_at: Mapped[CreatedAt]
    frozen_at: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
    retired_at: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))


class ReferenceSample(CovariateColumns, Base):
    """One photo of a reference set; ``label`` is the truth where known."""

    __tablename__ = "reference_samples"

    reference_set_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("reference_sets.id", ondelete="CASCADE"), primary_key=True
    )
    ordinal: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    features: Mapped[Features]
    probabilities: Mapped[Reals]
    distance: Mapped[float]
    label: Mapped[str | None]
    species: Mapped[str | None]
    group_key: Mapped[str | None]
    image_sha256: Mapped[str | None]
    image_key: Mapped[str | None]
