"""The prediction log: no answer without a durable row, in Postgres or in the spool."""

import asyncio
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum

import psycopg

from mycovigil_predictor import problems
from mycovigil_predictor.batcher import Batcher, QueueFull
from mycovigil_predictor.connection import ReconnectingConnection
from mycovigil_predictor.log import copy_rows
from mycovigil_predictor.log.database_state import DatabaseState
from mycovigil_predictor.log.partitions import PartitionMissing
from mycovigil_predictor.log.row import Row
from mycovigil_predictor.log.spool import Spool, SpoolFull
from mycovigil_predictor.metrics import Metrics

MAX_BATCH = 200
# For a batch; the connection gives up on a silent server earlier.
WRITE_SECONDS = 5.0


class Destination(StrEnum):
    """Where a row went. ``KEY_IN_USE``: nowhere, its idempotency key belongs to another
    prediction; ``NO_ROOM``: nowhere, Postgres and the spool take no row."""

    DATABASE = "database"
    SPOOL = "spool"
    KEY_IN_USE = "key_in_use"
    NO_ROOM = "no_room"


class PredictionLog:
    """Group commit: while one batch is being written, the next rows gather behind it.

    Rows go to the spool while Postgres is away, or where their day has no partition.
    """

    def __init__(
        self,
        connection: ReconnectingConnection,
        spool: Spool,
        database: DatabaseState,
        metrics: Metrics,
        *,
        capacity: int,
    ) -> None:
        self._connection = connection
        self._spool = spool
        self._database = database
        self._metrics = metrics
        self._batcher: Batcher[Row, Destination] = Batcher(
            self._write, size=MAX_BATCH, capacity=capacity
        )
        # A thread of its own: threads that wait for a hanging server or storage hold up no row.
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="spool")

    def start(self) -> None:
        self._batcher.start()

    async def stop(self) -> None:
        """Write every row that was taken, then close the connection."""
        await self._batcher.stop()
        await self._connection.close()
        self._writer.shutdown()

    async def write(self, row: Row) -> Destination:
        """Return when the row is durable.

        Raises:
            Problem: 429 or 503, the row is not durable and must not be answered.
        """
        try:
            destination = await self._batcher.submit(row)
        except QueueFull as error:
            raise problems.busy() from error
        if destination == Destination.NO_ROOM:
            raise problems.no_room()
        return destination

    async def _write(self, rows: list[Row]) -> list[Destination]:
        destinations = await self._to_database(rows)
        left = [row for row in rows if row.id not in destinations]
        if left:
            destinations |= await self._to_spool(left)
        return [destinations[row.id] for row in rows]

    async def _to_database(self, rows: Sequence[Row]) -> dict[uuid.UUID, Destination]:
        """By row; rows that must go to the spool are left out."""
        rows = [row for row in rows if row.day not in self._database.days_without_partition]
        if self._database.away or not rows:
            return {}
        try:
            with self._metrics.log_seconds.time():
                return await self._insert(rows)
        except PartitionMissing:
            return await self._by_day(rows)
        except (psycopg.Error, OSError, TimeoutError, ValueError) as error:
            # The insert may have been committed: the drain merges spooled rows by their ids.
            self._database.failed(error)
            return {}

    async def _by_day(self, rows: Sequence[Row]) -> dict[uuid.UUID, Destination]:
        """As :meth:`_to_database`, for a batch with a day that has no partition."""
        days = {row.day for row in rows}
        if len(days) == 1:
            missing = self._database.days_without_partition | days
            self._database.set_days_without_partition(missing)
            return {}
        destinations: dict[uuid.UUID, Destination] = {}
        for day in sorted(days):
            destinations |= await self._to_database([row for row in rows if row.day == day])
        return destinations

    async def _insert(self, rows: Sequence[Row]) -> dict[uuid.UUID, Destination]:
        async with asyncio.timeout(WRITE_SECONDS), self._connection.use() as connection:
            written = await copy_rows.insert(connection, rows)
        return {
            row.id: Destination.DATABASE if row.id in written else Destination.KEY_IN_USE
            for row in rows
        }

    async def _to_spool(self, rows: Sequence[Row]) -> dict[uuid.UUID, Destination]:
        loop = asyncio.get_running_loop()
        try:
            taken = await loop.run_in_executor(self._writer, self._spool.put, rows)
        except SpoolFull:
            taken = 0
        return {
            row.id: Destination.SPOOL if number < taken else Destination.NO_ROOM
            for number, row in enumerate(rows)
        }
