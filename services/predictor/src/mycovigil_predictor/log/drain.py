"""Writes spooled rows to Postgres, each exactly once by its id, and finds out when it is back."""

import asyncio
import contextlib
import datetime
import itertools
from collections.abc import Sequence

import psycopg
import structlog

from mycovigil.backoff import Backoff
from mycovigil_predictor.log import copy_rows
from mycovigil_predictor.log.connection import AWAY, Line
from mycovigil_predictor.log.copy_rows import PartitionMissing
from mycovigil_predictor.log.prediction_log import PredictionLog
from mycovigil_predictor.log.row import Row
from mycovigil_predictor.log.spool import Spool, SpoolFull
from mycovigil_predictor.metrics import Metrics

CHUNK = 500
REFUSALS = (psycopg.DataError, psycopg.IntegrityError, ValueError)
"""What is wrong with a row, and not with the database: no later turn can succeed."""
PROBE_SECONDS = 1.0
# While Postgres is away; short, because rows are spooled for as long as it is not found again.
BACKOFF = Backoff(first=PROBE_SECONDS, longest=4.0)
HOUR_OF_PROBES = 3_600
FORGET = "DELETE FROM idempotency_keys WHERE created_at < now() - interval '1 day'"
logger = structlog.get_logger(__name__)


class Drain:
    """Runs beside the log. A chunk is removed from the spool after its commit; a crash between
    the two repeats the chunk, and the rows collide with themselves."""

    def __init__(self, line: Line, spool: Spool, log: PredictionLog, metrics: Metrics) -> None:
        self._line = line
        self._spool = spool
        self._log = log
        self._metrics = metrics

    async def run(self) -> None:
        """Until cancelled."""
        failures = 0
        for turn in itertools.count():
            await self._probe_disk()
            try:
                await self.turn(tidy=turn % HOUR_OF_PROBES == 0)
                failures = 0
            except AWAY:
                failures += 1
                self._metrics.spool_depth.set(self._spool.depth)
            except Exception:  # rows stay spooled, and the next turn may succeed
                failures += 1
                logger.exception("spooled rows cannot be merged", rows=self._spool.depth)
            await asyncio.sleep(BACKOFF.seconds(failures) if failures else PROBE_SECONDS)

    async def turn(self, *, tidy: bool = False) -> None:
        """Merge the spooled rows of every day that has a partition, if there is anything to do."""
        if not (tidy or self._log.away or self._log.days_without_partition or self._spool.depth):
            return
        async with self._line.connected() as connection:
            if tidy:
                await connection.execute(FORGET)
            ready = await copy_rows.days_with_partition(connection)
            self._log.back()
            spooled = await asyncio.to_thread(self._spool.days)
            self._log.without_partition(day for day in spooled if day not in ready)
            for day in spooled:
                if day in ready:
                    await self._merge_day(connection, day)
            self._metrics.set_aside.set(self._spool.aside)

    async def close(self) -> None:
        await self._line.close()

    async def _probe_disk(self) -> None:
        """Nobody sends rows to a service that is not ready: it must find out by itself."""
        if self._spool.trouble is not None:
            with contextlib.suppress(SpoolFull):
                await asyncio.to_thread(self._spool.probe)

    async def _merge_day(self, connection: copy_rows.Connection, day: datetime.date) -> None:
        while rows := await asyncio.to_thread(self._spool.oldest, CHUNK, day):
            try:
                await self._merge(connection, rows)
            except REFUSALS:
                await self._one_by_one(connection, rows)
            except PartitionMissing:
                return  # dropped a moment ago, as the next turn will see

    async def _one_by_one(self, connection: copy_rows.Connection, rows: Sequence[Row]) -> None:
        for row in rows:
            try:
                await self._merge(connection, [row])
            except REFUSALS as error:
                logger.error(
                    "a row is refused by Postgres and set aside", id=str(row.id), error=str(error)
                )
                await asyncio.to_thread(self._spool.set_aside, row.id, str(error))

    async def _merge(self, connection: copy_rows.Connection, rows: Sequence[Row]) -> None:
        await copy_rows.merge(connection, rows)
        await asyncio.to_thread(self._spool.remove, [row.id for row in rows])
        self._metrics.spool_depth.set(self._spool.depth)
        self._metrics.drained.inc(len(rows))
        logger.info("spooled rows merged", rows=len(rows), left=self._spool.depth)
