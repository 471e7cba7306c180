"""Daily partitions of ``predictions``: made ahead, and dropped by retention."""

import datetime
from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.orm import Session

PARENT = "predictions"
# With fewer days ahead the worker, which makes them, is taken for stopped.
FEWEST_AHEAD = 2
DAYS_AHEAD = (
    "SELECT coalesce(min(day) - 1, 61) FROM generate_series(0, 61) day WHERE to_regclass("
    "'predictions_' || to_char((now() AT TIME ZONE 'UTC')::date + day, 'YYYYMMDD')) IS NULL"
)
# Names of the attached partitions; needs no privilege.
NAMES = f"""
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = to_regclass('{PARENT}') ORDER BY 1
"""  # noqa: S608 - a constant


def name_of(day: datetime.date) -> str:
    """``predictions_20261122``."""
    return f"{PARENT}_{day:%Y%m%d}"


def ensure(session: Session, days: Iterable[datetime.date]) -> None:
    """Make the partitions of ``days``; safe to run twice.

    The lock is one for all makers: two racing CREATEs would clash.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('predictions partitions'))"))
    for day in days:
        session.execute(text(_statement(day)))


def _statement(day: datetime.date) -> str:
    following = day + datetime.timedelta(days=1)
    return (
        f"CREATE TABLE IF NOT EXISTS {name_of(day)} PARTITION OF {PARENT} "
        f"FOR VALUES FROM ('{day} 00:00:00+00') TO ('{following} 00:00:00+00')"
    )


def upcoming(
    today: datetime.date, ahead: int, *, since: datetime.date | None = None
) -> list[datetime.date]:
    """``since``, or yesterday if that is earlier, to ``ahead`` days from today."""
    yesterday = today - datetime.timedelta(days=1)
    first = min(since or yesterday, yesterday)
    count = (today - first).days + ahead + 1
    return [first + datetime.timedelta(days=number) for number in range(count)]


def day_of(name: str) -> datetime.date:
    """The day of the partition called ``name``."""
    return datetime.date.fromisoformat(name.rsplit("_", 1)[1])


def existing(session: Session) -> list[datetime.date]:
    """Days that have a partition, in order."""
    return [day_of(name) for name in session.scalars(text(NAMES))]


def days_ahead(session: Session) -> int:
    """How many days after today (UTC) have a partition without a gap; -1 if today has none."""
    return int(session.scalar(text(DAYS_AHEAD)) or 0)


def drop_before(session: Session, day: datetime.date) -> list[datetime.date]:
    """Drop whole days before ``day``; returns them."""
    old = [found for found in existing(session) if found < day]
    for found in old:
        session.execute(text(f"DROP TABLE {name_of(found)}"))
    return old
