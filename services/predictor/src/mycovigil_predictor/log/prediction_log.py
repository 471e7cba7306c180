"""The prediction log: no answer without a row. To Postgres, or to the spool while it is away."""

import asyncio
import datetime
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum

import psycopg
import structlog

from mycovigil_predictor.api import problems
from mycovigil_predictor.inference.batcher import Batcher, QueueFull
from mycovigil_predictor.log import copy_rows
from mycovigil_predictor.log.connection import AWAY, Line
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
        self._days: set[datetime.date] = set()
        self.away = False

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
        except SpoolFull as error:
            raise problems.no_room() from error
        if outcome == Outcome.REFUSED:
            raise problems.no_room()
        return outcome

    def back(self) -> None:
        """The database was reached again; rows go there from now on."""
        if self.away:
            logger.info("database is back", spooled=self._spool.depth)
        self.away = False
        self._days.clear()

    async def _write(self, rows: list[Row]) -> list[Outcome]:
        if not self.away:
            try:
                with self._metrics.log_seconds.time():
                    return await self._insert(rows)
            except (psycopg.Error, OSError, TimeoutError, ValueError) as error:
                self._lost(error)
        loop = asyncio.get_running_loop()
        kept = await loop.run_in_executor(self._writer, self._spool.put, rows)
        self._metrics.spool_depth.set(self._spool.depth)
        return [Outcome.SPOOL] * kept + [Outcome.REFUSED] * (len(rows) - kept)

    async def _insert(self, rows: Sequence[Row]) -> list[Outcome]:
        async with asyncio.timeout(WRITE_SECONDS), self._line.connected() as connection:
            await self._ensure_days(connection, rows)
            written = await copy_rows.insert(connection, rows)
        return [Outcome.DATABASE if row.id in written else Outcome.TAKEN for row in rows]

    async def _ensure_days(self, connection: copy_rows.Connection, rows: Sequence[Row]) -> None:
        missing = {row.created_at.date() for row in rows} - self._days
        if missing:
            await copy_rows.ensure_partitions(connection, sorted(missing))
            self._days |= missing

    def _lost(self, error: Exception) -> None:
        """An insert in doubt may have been committed: the spool's rows are merged by id."""
        self.away = True
        self._days.clear()
        expected = isinstance(error, AWAY)
        told = logger.warning if expected else logger.error
        told("database is away, rows go to the spool", error=str(error) or type(error).__name__)
