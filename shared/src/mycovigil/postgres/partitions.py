"""Daily partitions of ``predictions``: made ahead, and dropped by retention."""

import datetime
import logging
from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

PARENT = "predictions"
logger = logging.getLogger(__name__)
# With fewer days ahead the worker, which makes them, is taken for stopped.
FEWEST_AHEAD = 2
DAYS_AHEAD = (
    "SELECT coalesce(min(day) - 1, 61) FROM generate_series(0, 61) day WHERE to_regclass("
    "'predictions_' || to_char((now() AT TIME ZONE 'UTC')::date + day, 'YYYYMMDD')) IS NULL"
)
# Attached partitions, and whether each is one of ours: named after the one day that it holds.
# Needs no privilege.
_ATTACHED = f"""
SELECT c.relname AS name, coalesce(
    c.relname = '{PARENT}_' || to_char(bounds.first AT TIME ZONE 'UTC', 'YYYYMMDD')
    AND bounds.first = date_trunc('day', bounds.first, 'UTC')
    AND bounds.last = bounds.first + interval '24 hours', false) AS ours
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid,
LATERAL regexp_match(
    pg_get_expr(c.relpartbound, c.oid), $$FROM \\('([^']+)'\\) TO \\('([^']+)'\\)$$
) AS found,
LATERAL (SELECT found[1]::timestamptz AS first, found[2]::timestamptz AS last) AS bounds
WHERE i.inhparent = to_regclass('{PARENT}')
"""  # noqa: S608 - a constant
NAMES = f"SELECT name FROM ({_ATTACHED}) attached WHERE ours ORDER BY 1"  # noqa: S608
FOREIGN = f"SELECT name FROM ({_ATTACHED}) attached WHERE NOT ours ORDER BY 1"  # noqa: S608


def name_of(day: datetime.date) -> str:
    """``predictions_20261122``."""
    return f"{PARENT}_{day:%Y%m%d}"


def ensure(session: Session, days: Iterable[datetime.date]) -> None:
    """Make the partitions of ``days``; safe to run twice.

    The lock is one for all makers: two racing CREATEs would clash. A day that a partition of
    somebody else holds already is left to it, and logged.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('predictions partitions'))"))
    made = set(existing(session))
    for day in (day for day in days if day not in made):
        try:
            with session.begin_nested():
                session.execute(text(_statement(day)))
        except (IntegrityError, ProgrammingError) as error:
            logger.warning("no partition for %s: %s", day, str(error.orig).strip())


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


def foreign(session: Session) -> list[str]:
    """Names of partitions that somebody else made: a default one, or of other bounds."""
    return list(session.scalars(text(FOREIGN)))


def days_ahead(session: Session) -> int:
    """How many days after today (UTC) have a partition without a gap; -1 if today has none."""
    return int(session.scalar(text(DAYS_AHEAD)) or 0)


def drop_before(session: Session, day: datetime.date) -> list[datetime.date]:
    """Drop whole days before ``day``; returns them."""
    old = [found for found in existing(session) if found < day]
    for found in old:
        session.execute(text(f"DROP TABLE {name_of(found)}"))
    return old
