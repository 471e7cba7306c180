"""Sketches of days in the database: a feature part an encoder, a prediction part a model."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from numpy.typing import NDArray
from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mycovigil.baselines.packed import Arrays, digest, packed, unpacked
from mycovigil.db.base import new_id
from mycovigil.db.baseline import DayGeometry, DaySketch

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, eq=False)
class StoredSketch:
    """One part of a day; ``arrays`` as `mycovigil_statistics.drift.DaySketch` made them."""

    rows: int
    units: int
    arrays: Arrays
    content_hash: str


def store(
    session: Session,
    geometry: DayGeometry,
    model_id: uuid.UUID | None,
    span: Span,
    *,
    rows: int,
    units: int,
    arrays: Mapping[str, NDArray[Any]],
) -> bool:
    """Write a part of a day, of the encoder or of ``model_id``; false if there was one already,
    which stays: what nights were compared with does not change afterwards."""
    content = packed(arrays)
    statement = (
        insert(DaySketch)
        .values(
            id=new_id(),
            encoder_id=geometry.encoder_id,
            geometry_id=geometry.id,
            model_id=model_id,
            day_start=span[0],
            day_end=span[1],
            rows=rows,
            units=units,
            content=content,
            content_hash=digest(content),
        )
        .on_conflict_do_nothing(constraint="uq_day_sketches_day")
        .returning(DaySketch.id)
    )
    return session.scalar(statement) is not None


def load(
    session: Session, geometry_id: uuid.UUID, model_id: uuid.UUID | None, spans: Iterable[Span]
) -> dict[Span, StoredSketch]:
    """The sketches that there are of these days, in order of time.

    Raises:
        Damaged: a sketch is not what was written.
    """
    rows = session.scalars(
        select(DaySketch)
        .where(
            DaySketch.geometry_id == geometry_id,
            DaySketch.model_id.is_not_distinct_from(model_id),
            tuple_(DaySketch.day_start, DaySketch.day_end).in_(list(spans)),
        )
        .order_by(DaySketch.day_start)
    )
    return {(row.day_start, row.day_end): _stored(row) for row in rows}


def known(
    session: Session, geometry_id: uuid.UUID, model_id: uuid.UUID | None, spans: Iterable[Span]
) -> set[Span]:
    """Which of these days have a sketch."""
    rows = session.execute(
        select(DaySketch.day_start, DaySketch.day_end).where(
            DaySketch.geometry_id == geometry_id,
            DaySketch.model_id.is_not_distinct_from(model_id),
            tuple_(DaySketch.day_start, DaySketch.day_end).in_(list(spans)),
        )
    )
    return {(start, end) for start, end in rows}


def _stored(row: DaySketch) -> StoredSketch:
    what = f"the sketch of {row.day_start:%Y-%m-%d %H:%M} UTC"
    return StoredSketch(
        row.rows, row.units, unpacked(row.content, row.content_hash, what), row.content_hash
    )
