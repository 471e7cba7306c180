"""Requests to encode the kept photos of past days anew, and the days that wait for a worker."""

import datetime
import uuid

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mycovigil.db.encoder import DayState, EncodedDay, Encoder
from mycovigil.events import wake
from mycovigil.incidents import audit

MOST_DAYS = 3_660
DAY = datetime.timedelta(days=1)


class NotPossible(ValueError):
    """Nothing can be encoded anew of these days; the message says why."""


def request(
    session: Session, encoder: Encoder, first: datetime.date, last: datetime.date, *, who: str
) -> int:
    """Ask for the days ``first`` to ``last`` (UTC, both included), and wake the worker.

    Days that were asked for before stay as they are; one that failed is tried again. Returns how
    many days are new or tried again.

    Raises:
        NotPossible: the last day is before the first one or not over yet, or there are too many.
    """
    _check(first, last)
    days = [first + number * DAY for number in range((last - first).days + 1)]
    rows = [{"encoder_id": encoder.id, "day": day, "requested_by": who} for day in days]
    asked = (
        insert(EncodedDay)
        .values(rows)
        .on_conflict_do_update(
            index_elements=[EncodedDay.encoder_id, EncodedDay.day],
            set_={"state": DayState.WAITING, "attempts": 0, "problem": None, "requested_by": who},
            where=EncodedDay.state == DayState.FAILED,
        )
        .returning(EncodedDay.day)
    )
    count = len(session.scalars(asked).all())
    detail = f"{first} to {last}, {count} of {len(days)} days new or tried again"
    audit.record(session, who=who, action="asked to encode kept photos", on=encoder, detail=detail)
    wake.worker(session)
    return count


def waiting(session: Session) -> list[tuple[uuid.UUID, datetime.date]]:
    """Days that no worker encodes, newest first: recent days matter most to a baseline."""
    rows = session.execute(
        select(EncodedDay.encoder_id, EncodedDay.day)
        .where(
            or_(
                EncodedDay.state == DayState.WAITING,
                (EncodedDay.state == DayState.RUNNING) & (EncodedDay.lease_until < func.now()),
            )
        )
        .order_by(EncodedDay.day.desc(), EncodedDay.encoder_id)
    )
    return [(encoder_id, day) for encoder_id, day in rows]


def _check(first: datetime.date, last: datetime.date) -> None:
    if last < first:
        raise NotPossible(f"the last day, {last}, is before the first one, {first}")
    if last >= datetime.datetime.now(tz=datetime.UTC).date():
        raise NotPossible(f"{last} is not over yet (UTC): encode up to the day before")
    if (last - first).days >= MOST_DAYS:
        raise NotPossible(f"more than {MOST_DAYS} days at once")
