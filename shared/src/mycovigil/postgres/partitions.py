"""Daily partitions of ``predictions``: made ahead, and dropped by retention."""

import datetime
import logging
from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

PARENT = "predictions"
DAY_SECONDS = 86_400
logger = logging.getLogger(__name__)
# Days whose partition could not be made, so that each is logged once.
_impossible: set[datetime.date] = set()
# With fewer days ahead the worker, which makes them, is taken for stopped.
FEWEST_AHEAD = 2
# Attached partitions, the stretch that each holds (none of a default one, which holds what no other
# does), and whether it is one of ours: named after the one day that it holds. Needs no privilege.
_ATTACHED = f"""
SELECT c.relname AS name, bounds.first, bounds.last, coalesce(
    c.relname = '{PARENT}_' || to_char(bounds.first AT TIME ZONE 'UTC', 'YYYYMMDD')
    AND bounds.first = date_trunc('day', bounds.first, 'UTC')
    AND bounds.last = bounds.first + interval '24 hours', false) AS ours
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid,
LATERAL pg_get_expr(c.relpartbound, c.oid) AS bound,
LATERAL (
    SELECT CASE WHEN bound LIKE '%FROM (MINVALUE)%' THEN '-infinity'
            WHEN bound <> 'DEFAULT' THEN split_part(bound, '''', 2)::timestamptz END AS first,
        CASE WHEN bound LIKE '%TO (MAXVALUE)' THEN 'infinity'
            WHEN bound <> 'DEFAULT' THEN split_part(bound, '''', -2)::timestamptz END AS last
) AS bounds
WHERE i.inhparent = to_regclass('{PARENT}')
"""  # noqa: S608 - a constant
NAMES = f"SELECT name FROM ({_ATTACHED}) attached WHERE ours ORDER BY 1"  # noqa: S608
FOREIGN = f"SELECT name FROM ({_ATTACHED}) attached WHERE NOT ours ORDER BY 1"  # noqa: S608
# Of the migrations; they act with the rights of the tables' owner, which the worker has not.
MAKE = text("SELECT make_day_of_predictions(:day)")
DROP = text("SELECT drop_day_of_predictions(:day)")
# The stretch that each partition holds, in seconds of the epoch; of a default one none.
STRETCHES = (
    "SELECT extract(epoch FROM first)::float8, extract(epoch FROM last)::float8 "  # noqa: S608
    f"FROM ({_ATTACHED}) attached"
)
Stretch = tuple[float | None, float | None]
DAYS_AHEAD = f"""
WITH attached AS MATERIALIZED ({_ATTACHED})
SELECT coalesce(min(number) - 1, 61) FROM generate_series(0, 61) AS number,
LATERAL (SELECT date_trunc('day', now(), 'UTC') + number * interval '24 hours' AS midnight) AS day
WHERE interval '24 hours' > (
    SELECT coalesce(
        sum(least(last, midnight + interval '24 hours') - greatest(first, midnight)), interval '0'
    ) FROM attached WHERE first < midnight + interval '24 hours' AND last > midnight
)
"""  # noqa: S608 - a constant


def name_of(day: datetime.date) -> str:
    """``predictions_20261122``."""
    return f"{PARENT}_{day:%Y%m%d}"


def ensure(session: Session, days: Iterable[datetime.date]) -> None:
    """Make the partitions of ``days``; safe to run twice.

    The lock is one for all makers: two racing CREATEs would clash. A day that somebody else's
    partition holds is left to it; one whose partition cannot be made is logged, once a process.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('predictions partitions'))"))
    wanted = list(days)
    stretches = [(first, last) for first, last in session.execute(text(STRETCHES))]
    there = held(wanted, stretches, by_default=False)
    for day in (day for day in wanted if day not in there):
        try:
            with session.begin_nested():
                session.execute(MAKE, {"day": day})
        except (IntegrityError, ProgrammingError) as error:
            if day not in _impossible:
                _impossible.add(day)
                logger.warning("no partition for %s: %s", day, str(error.orig).strip())


def held(
    days: Iterable[datetime.date], stretches: Iterable[Stretch], *, by_default: bool
) -> set[datetime.date]:
    """Those of ``days`` that partitions hold whole, whoever made them.

    Args:
        stretches: rows of :data:`STRETCHES`; no two overlap.
        by_default: a default partition counts: it holds what no other does.
    """
    known = list(stretches)
    if by_default and (None, None) in known:
        return set(days)
    ranges = [(first, last) for first, last in known if first is not None and last is not None]
    return {day for day in days if _held_seconds(day, ranges) >= DAY_SECONDS}


def _held_seconds(day: datetime.date, ranges: Iterable[tuple[float, float]]) -> float:
    begin = datetime.datetime.combine(day, datetime.time(), tzinfo=datetime.UTC).timestamp()
    end = begin + DAY_SECONDS
    return sum(max(0.0, min(last, end) - max(first, begin)) for first, last in ranges)


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
        session.execute(DROP, {"day": found})
    return old
