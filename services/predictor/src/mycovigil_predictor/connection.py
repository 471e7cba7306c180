"""Asynchronous connections to Postgres, and one that reconnects by itself after a failure."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from pgvector.psycopg import register_vector_async
from psycopg import AsyncConnection

from mycovigil.postgres import timeouts
from mycovigil.settings import DatabaseSettings

Connection = AsyncConnection[tuple[Any, ...]]
# Errors that say that the database is away, and not that a statement is wrong.
DATABASE_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, OSError, TimeoutError)


class ReconnectingConnection:
    """Opened at first use, closed at the first error, opened again at the next use."""

    def __init__(self, database: DatabaseSettings, *, name: str, seconds: float) -> None:
        self._database = database
        self._seconds = seconds
        self._name = name
        self._connection: Connection | None = None
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def use(self) -> AsyncIterator[Connection]:
        """The connection, for one user at a time.

        Raises:
            psycopg.OperationalError: no connection can be made.
        """
        async with self._lock:
            if self._connection is None or self._connection.closed:
                self._connection = await connect(self._database, self._name, seconds=self._seconds)
            try:
                yield self._connection
            except BaseException:
                await self._drop()
                raise

    async def close(self) -> None:
        async with self._lock:
            await self._drop()

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


async def connect(database: DatabaseSettings, name: str, *, seconds: float) -> Connection:
    """A connection in autocommit with the type ``halfvec``; an answer may take ``seconds``."""
    connection = await timeouts.connect_async(
        database, seconds=seconds, name=f"mycovigil-predictor-{name}"
    )
    try:
        await register_vector_async(connection)
    except BaseException:  # cancelled, too: nobody else could close it
        await connection.close()
        raise
    return connection
