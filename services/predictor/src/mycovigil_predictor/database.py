"""One asynchronous connection to Postgres that comes back by itself after a failure."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from pgvector.psycopg import register_vector_async

from mycovigil_predictor.copy import Connection

CONNECT_SECONDS = 3
OPTIONS = "-c statement_timeout=10s -c idle_in_transaction_session_timeout=30s"
AWAY = (psycopg.OperationalError, psycopg.InterfaceError, OSError, TimeoutError)
"""What says that the database is away, and not that a statement is wrong."""


class Line:
    """Opened at first use, closed at the first error, opened again at the next use."""

    def __init__(self, url: str, *, name: str) -> None:
        self._url = url
        self._name = name
        self._connection: Connection | None = None
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Connection]:
        """The connection, for one user at a time.

        Raises:
            psycopg.OperationalError: no connection can be made.
        """
        async with self._lock:
            if self._connection is None or self._connection.closed:
                self._connection = await connect(self._url, self._name)
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


async def connect(url: str, name: str) -> Connection:
    """A connection that knows ``halfvec``; autocommit, so that transactions are explicit."""
    connection = await psycopg.AsyncConnection.connect(
        url,
        autocommit=True,
        connect_timeout=CONNECT_SECONDS,
        application_name=f"mycovigil-predictor-{name}",
        options=OPTIONS,
    )
    try:
        await register_vector_async(connection)
    except BaseException:  # cancelled, too: nobody else could close it
        await connection.close()
        raise
    return connection
