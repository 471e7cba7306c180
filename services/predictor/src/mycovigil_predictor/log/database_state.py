"""What is known of the database: whether it is away, and which days have no partition."""

import datetime
from collections.abc import Iterable

import structlog

from mycovigil_predictor.connection import DATABASE_AWAY

logger = structlog.get_logger(__name__)


class DatabaseState:
    """Set by the prediction log when a write fails, and by the drain, which asks every second."""

    def __init__(self) -> None:
        self.away = False
        self.days_without_partition: frozenset[datetime.date] = frozenset()

    @property
    def spooling(self) -> bool:
        """Whether a row that is made now goes to the spool."""
        today = datetime.datetime.now(tz=datetime.UTC).date()
        return self.away or today in self.days_without_partition

    @property
    def trouble(self) -> str | None:
        """Why rows wait in the spool though the database is reachable."""
        if not self.days_without_partition:
            return None
        days = sorted(self.days_without_partition)
        return (
            f"predictions of {', '.join(map(str, days))} wait in the spool, because the database "
            f"has no partition for them: 'mycovigil migrate --partitions-since {days[0]}' makes it"
        )

    def failed(self, error: Exception) -> None:
        """A write failed: rows go to the spool until the drain reaches the database."""
        self.away = True
        log = logger.warning if isinstance(error, DATABASE_AWAY) else logger.error
        log("database is away, rows go to the spool", error=str(error) or type(error).__name__)

    def reached(self, *, spooled: int) -> None:
        """The database answers: rows go there from now on."""
        if self.away:
            logger.info("database is back", spooled=spooled)
        self.away = False

    def set_days_without_partition(self, days: Iterable[datetime.date]) -> None:
        """Rows of these days, and of no others, wait in the spool for their partition."""
        known, self.days_without_partition = self.days_without_partition, frozenset(days)
        if self.days_without_partition - known:
            logger.error("rows wait in the spool", reason=self.trouble)
        elif known and not self.days_without_partition:
            logger.info("every spooled row has a partition again")
