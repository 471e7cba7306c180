"""Writes spooled rows to Postgres, each exactly once by its id, and notices when it is back."""

import asyncio
import contextlib
import datetime
from collections.abc import Sequence

import psycopg
import structlog

from mycovigil_predictor.connection import DATABASE_AWAY, Connection, ReconnectingConnection
from mycovigil_predictor.log import copy_rows
from mycovigil_predictor.log.database_state import DatabaseState
from mycovigil_predictor.log.partitions import PartitionMissing, days_with_partition
from mycovigil_predictor.log.row import Row
from mycovigil_predictor.log.spool import Spool, SpoolFull
from mycovigil_predictor.metrics import Metrics

MAX_BATCH = 500
# Errors of a row, and not of the database: writing it again cannot succeed.
REFUSALS = (psycopg.DataError, psycopg.IntegrityError, ValueError)
TURN_SECONDS = 1.0
logger = structlog.get_logger(__name__)


class Drain:
    """Runs beside the log. A batch is removed from the spool after its commit; a crash between
    the two repeats the batch, which writes no row twice."""

    def __init__(
        self,
        connection: ReconnectingConnection,
        spool: Spool,
        database: DatabaseState,
        metrics: Metrics,
    ) -> None:
        self._connection = connection
        self._spool = spool
        self._database = database
        self._metrics = metrics

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._probe_disk()
            try:
                await self.turn()
            except DATABASE_AWAY:
                pass  # the next turn asks again
            except Exception:  # rows stay spooled, and the next turn may succeed
                logger.exception("spooled rows cannot be merged", rows=self._spool.depth)
            await asyncio.sleep(TURN_SECONDS)

    async def turn(self) -> None:
        """Merge the spooled rows of every day that has a partition, if there is anything to do."""
        if not (self._spool.depth or self._database.away or self._database.trouble):
            return
        async with self._connection.use() as connection:
            spooled = await asyncio.to_thread(self._spool.days)
            partitioned = await days_with_partition(connection, spooled)
            self._database.reached(spooled=self._spool.depth)
            self._database.set_days_without_partition(set(spooled) - partitioned)
            for day in spooled:
                if day in partitioned:
                    await self._merge_day(connection, day)

    async def close(self) -> None:
        await self._connection.close()

    async def _probe_disk(self) -> None:
        """A service that is not ready gets no rows, so it must test by itself whether the disk
        takes some again."""
        if self._spool.trouble is not None:
            with contextlib.suppress(SpoolFull):
                await asyncio.to_thread(self._spool.probe)

    async def _merge_day(self, connection: Connection, day: datetime.date) -> None:
        while rows := await asyncio.to_thread(self._spool.oldest, MAX_BATCH, day):
            try:
                await self._merge(connection, rows)
            except REFUSALS:
                await self._merge_one_by_one(connection, rows)
            except PartitionMissing:
                return  # dropped just now; the next turn finds out

    async def _merge_one_by_one(self, connection: Connection, rows: Sequence[Row]) -> None:
        for row in rows:
            try:
                await self._merge(connection, [row])
            except REFUSALS as error:
                logger.error(
                    "a row is refused by Postgres and set aside", id=str(row.id), error=str(error)
                )
                await asyncio.to_thread(self._spool.set_aside, row.id, str(error))

    async def _merge(self, connection: Connection, rows: Sequence[Row]) -> None:
        await copy_rows.merge(connection, rows)
        await asyncio.to_thread(self._spool.remove, [row.id for row in rows])
        self._metrics.drained.inc(len(rows))
        logger.info("spooled rows merged", rows=len(rows), left=self._spool.depth)
