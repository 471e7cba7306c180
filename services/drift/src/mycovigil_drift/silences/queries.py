"""Reading silences."""

import datetime
import uuid

from sqlalchemy import ColumnElement, not_, select
from sqlalchemy.orm import Session

from mycovigil.db.alert import Silence
from mycovigil_drift import lookup
from mycovigil_drift.pagination import fetch
from mycovigil_drift.silences.schemas import SilenceQuery


def page(session: Session, query: SilenceQuery) -> tuple[list[Silence], str | None]:
    statement = select(Silence)
    if query.active is not None:
        now = datetime.datetime.now(tz=datetime.UTC)
        statement = statement.where(in_force(now) if query.active else not_(in_force(now)))
    return fetch(session, statement, (Silence.created_at, Silence.id), query)


def get(session: Session, silence_id: uuid.UUID) -> Silence:
    """Raises a 404 problem without one."""
    return lookup.one(session, Silence, silence_id, "silence")


def over(session: Session, model_id: uuid.UUID, now: datetime.datetime) -> Silence | None:
    """The silence that holds the alerts of a model back now; the longest, if several do."""
    return session.scalar(
        select(Silence)
        .where(in_force(now), (Silence.model_id == model_id) | Silence.model_id.is_(None))
        .order_by(Silence.ends_at.desc())
        .limit(1)
    )


def in_force(now: datetime.datetime) -> ColumnElement[bool]:
    return (Silence.starts_at <= now) & (Silence.ends_at > now)
