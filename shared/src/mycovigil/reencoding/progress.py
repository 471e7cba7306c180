"""How far the encoding of kept photos has come, an encoder and in all."""

import datetime
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Float, Integer, case, cast, func, select
from sqlalchemy.orm import Session

from mycovigil.db.encoder import DayState, EncodedDay, Encoder

COUNTED = (DayState.DONE, DayState.RUNNING, DayState.FAILED)


@dataclass(frozen=True, slots=True)
class Progress:
    """Days asked for, by state, and answers of the days that have begun.

    ``total``: answers of other encoders; ``encoded`` + ``removed`` + ``undecodable`` of these are
    behind. ``share`` of the days, between 0 and 1, a day in part counting in part; ``problem``: of
    a day that is not done.
    """

    encoder_id: uuid.UUID
    name: str
    uri: str
    first_day: datetime.date
    last_day: datetime.date
    days: int
    done: int
    running: int
    failed: int
    total: int
    encoded: int
    removed: int
    undecodable: int
    share: float
    problem: str | None


def of_encoders(session: Session) -> list[Progress]:
    """Every encoder that kept photos were asked to be encoded by, the newest request first."""
    rows: Sequence[Any] = session.execute(
        select(
            EncodedDay.encoder_id,
            Encoder.name,
            Encoder.uri,
            func.min(EncodedDay.day),
            func.max(EncodedDay.day),
            func.count(),
            *(_sum(EncodedDay.state == state) for state in COUNTED),
            *(
                func.coalesce(func.sum(column), 0)
                for column in (
                    EncodedDay.total,
                    EncodedDay.encoded,
                    EncodedDay.removed,
                    EncodedDay.undecodable,
                )
            ),
            func.avg(_share()).cast(Float),
            func.max(EncodedDay.problem).filter(EncodedDay.state != DayState.DONE),
        )
        .join(Encoder, Encoder.id == EncodedDay.encoder_id)
        .group_by(EncodedDay.encoder_id, Encoder.name, Encoder.uri)
        .order_by(func.max(EncodedDay.created_at).desc(), EncodedDay.encoder_id)
    ).all()
    return [Progress(*row) for row in rows]


def days(session: Session, encoder_id: uuid.UUID) -> list[EncodedDay]:
    """The days of one encoder, newest first."""
    query = select(EncodedDay).where(EncodedDay.encoder_id == encoder_id)
    return list(session.scalars(query.order_by(EncodedDay.day.desc())))


def _sum(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(cast(condition, Integer)), 0)


def _share() -> ColumnElement[float]:
    behind = EncodedDay.encoded + EncodedDay.removed + EncodedDay.undecodable
    part = cast(behind, Float) / func.greatest(EncodedDay.total, 1)
    return case((EncodedDay.state == DayState.DONE, 1.0), else_=func.least(part, 1.0))
