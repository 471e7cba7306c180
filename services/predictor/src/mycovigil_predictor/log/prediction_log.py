"""The prediction log: no answer without a row. Rows go to Postgres, or to the spool while it is
away or has no partition for their day."""

import asyncio
import datetime
import uuid
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum

import psycopg
import structlog

from mycovigil_predictor import problems
from mycovigil_predictor.inference.batcher import Batcher, QueueFull
from mycovigil_predictor.log import copy_rows
from mycovigil_predictor.log.connection import AWAY, Line
from mycovigil_predictor.log.copy_rows import PartitionMissing
from mycovigil_predictor.log.row import Row
from mycovigil_predictor.log.spool import Spool, SpoolFull
from mycovigil_predictor.metrics import Metrics

BATCH = 200
WRITE_SECONDS = 5.0
"""For a batch; the line gives up on a silent server earlier."""
logger = structlog.get_logger(__name__)


class Outcome(StrEnum):
    """Where a row went; ``taken``: nowhere, its idempotency key belongs to another prediction;
    ``refused``: nowhere, there is no room."""

    DATABASE = "database"
    SPOOL = "spool"
    TAKEN = "taken"
    REFUSED = "refused"


class PredictionLog:
    """Group commit: while one batch is being written, the next rows gather behind it."""

    def __init__(self, line: Line, spool: Spool, metrics: Metrics, *, capacity: int) -> None:
        self._line = line
        self._spool = spool
        self._metrics = metrics
        self._batcher: Batcher[Row, Outcome] = Batcher(self._write, size=BATCH, capacity=capacity)
        # A thread of its own: threads that wait for a hanging server or storage hold up no row.
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self.away = False
        self.days_without_partition: frozenset[datetime.date] = frozenset()

    @property
    def spools(self) -> bool:
        """Whether a row of this moment goes to the spool."""
        today = datetime.datetime.now(tz=datetime.UTC).date()
        return self.away or today in self.days_without_partition

    @property
    def trouble(self) -> str | None:
        """Why rows wait in the spool though the database is reachable."""
        if not self.days_without_partition:
            return None
        days = ", ".join(map(str, sorted(self.days_without_partition)))
        return (
            f"predictions of {days} wait in the spool, for the database has no partition for "
            "them: the worker or 'mycovigil migrate' makes it"
        )

    def start(self) -> None:
        self._batcher.start()

    async def stop(self) -> None:
        await self._batcher.stop()
        await self._line.close()
        self._writer.shutdown()

    async def keep(self, row: Row) -> Outcome:
        """Return when the row is durable.

        Raises:
            Problem: 429 or 503, the row was not kept and must not be answered.
        """
        try:
            outcome = await self._batcher.submit(row)
        except QueueFull as error:
            raise problems.busy() from error
        if outcome == Outcome.REFUSED:
            raise problems.no_room()
        return outcome

    def back(self) -> None:
        """The database was reached again; rows go there from now on."""
        if self.away:
            logger.info("database is back", spooled=self._spool.depth)
        self.away = False

    def without_partition(self, days: Iterable[datetime.date]) -> None:
        """Rows of ``days``, and of no others, wait in the spool for their partition."""
        known, self.days_without_partition = self.days_without_partition, frozenset(days)
        self._metrics.days_without_partition.set(len(self.days_without_partition))
        if self.days_without_partition - known:
            logger.error("rows wait in the spool", reason=self.trouble)
        elif known and not self.days_without_partition:
            logger.info("every spooled row has a partition again")

    async def _write(self, rows: list[Row]) -> list[Outcome]:
        gone = await self._to_database(rows)
        waiting = [row for row in rows if row.id not in gone]
        if waiting:
            gone |= await self._to_spool(waiting)
        return [gone[row.id] for row in rows]

    async def _to_database(self, rows: Sequence[Row]) -> dict[uuid.UUID, Outcome]:
        """Where each row went; a row that must wait for the database is not in it."""
        rows = [row for row in rows if row.day not in self.days_without_partition]
        if self.away or not rows:
            return {}
        try:
            with self._metrics.log_seconds.time():
                return await self._insert(rows)
        except PartitionMissing:
            return await self._by_day(rows)
        except (psycopg.Error, OSError, TimeoutError, ValueError) as error:
            self._lost(error)
            return {}

    async def _by_day(self, rows: Sequence[Row]) -> dict[uuid.UUID, Outcome]:
        """As :meth:`_to_database`, for a batch with at least one day that has no partition."""
        days = {row.day for row in rows}
        if len(days) == 1:
            self.without_partition(self.days_without_partition | days)
            return {}
        gone: dict[uuid.UUID, Outcome] = {}
        for day in sorted(days):
            gone |= await self._to_database([row for row in rows if row.day == day])
        return gone

    async def _to_spool(self, rows: Sequence[Row]) -> dict[uuid.UUID, Outcome]:
        loop = asyncio.get_running_loop()
        try:
            kept = await loop.run_in_executor(self._writer, self._spool.put, rows)
        except SpoolFull:
            kept = 0
        self._metrics.spool_depth.set(self._spool.depth)
        return {row.id: Outcome.SPOOL for row in rows[:kept]} | {
            row.id: Outcome.REFUSED for row in rows[kept:]
        }

    async def _insert(self, rows: Sequence[Row]) -> dict[uuid.UUID, Outcome]:
        async with asyncio.timeout(WRITE_SECONDS), self._line.connected() as connection:
            written = await copy_rows.insert(connection, rows)
        return {row.id: Outcome.DATABASE if row.id in written else Outcome.TAKEN for row in rows}

    def _lost(self, error: Exception) -> None:
        """An insert in doubt may have been committed: the spool's rows are merged by id."""
        self.away = True
        expected = isinstance(error, AWAY)
        told = logger.warning if expected else logger.error
        told("database is away, rows go to the spool", error=str(error) or type(error).__name__)
