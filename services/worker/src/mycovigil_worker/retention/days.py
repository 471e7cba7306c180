"""Daily partitions of the prediction log: made ahead, and dropped whole."""

from datetime import date, datetime, timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from mycovigil.postgres import partitions
from mycovigil.settings import Settings

# Making or dropping a partition waits for readers of predictions, and all inserts wait behind
# it: less than the predictor's patience, after which it would take the database for away.
LOCK_MILLISECONDS = 1_000
log = structlog.get_logger(__name__)
_reported: set[str] = set()


def make(session: Session, settings: Settings, now: datetime) -> None:
    """Yesterday to the set number of days ahead.

    Raises:
        OperationalError: a night is being read; a later turn will do.
    """
    _limit_lock_wait(session)
    partitions.ensure(session, partitions.upcoming(now.date(), settings.database.partitions_ahead))


def drop(session: Session, settings: Settings, now: datetime) -> list[date]:
    """Drop whole days of predictions beyond their retention. Raises as :func:`make`.

    Partitions that somebody else made are left alone, and named once a process.
    """
    _limit_lock_wait(session)
    foreign = set(partitions.foreign(session))
    if new := foreign - _reported:
        log.warning("partitions of predictions that are not ours are kept", tables=sorted(new))
        _reported.update(new)
    oldest = now.date() - timedelta(days=settings.storage.prediction_retention_days)
    return partitions.drop_before(session, oldest)


def _limit_lock_wait(session: Session) -> None:
    session.execute(text(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}"))
