"""Connections with a time limit on every answer, kept by the client's own clock.

The kernel of a server that hangs (SIGSTOP, a paused machine, a cut network) goes on acknowledging:
neither keepalives nor ``statement_timeout``, which the server itself would have to act on, end the
wait.
"""

import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.conninfo import conninfo_to_dict

from mycovigil.postgres import login
from mycovigil.settings import DatabaseSettings

# A server's own time zone would move days and months in what we show.
UTC = "-c timezone=UTC"
# libpq takes fewer for two.
LEAST_CONNECT_SECONDS = 2
# Even a statement that may take an hour is not worth a longer wait for a connection.
LONGEST_CONNECT_SECONDS = 5
# A transaction in which nothing happens for so long, or as long as a statement may take, is ended.
IDLE_SECONDS = 30


def parameters(url: str, seconds: float) -> dict[str, Any]:
    """libpq parameters for connections to ``url`` whose statements may take ``seconds``.

    Options of the URL itself come after ours, and win.
    """
    connect = min(math.ceil(seconds), LONGEST_CONNECT_SECONDS)
    idle = max(math.ceil(seconds), IDLE_SECONDS)
    given = conninfo_to_dict(url).get("options") or ""
    return {
        "connect_timeout": max(LEAST_CONNECT_SECONDS, connect),
        "options": f"-c statement_timeout={math.ceil(1_000 * seconds)}"
        f" -c idle_in_transaction_session_timeout={idle}s {given} {UTC}",
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": math.ceil(2_000 * seconds),
    }


class TimedConnection(psycopg.Connection[Any]):
    """Closes itself if an answer takes longer than ``answer_seconds``."""

    answer_seconds: float | None = None

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        with _closed_on_failure(self):
            return super().wait(gen, interval, self.answer_seconds)


class AsyncTimedConnection(psycopg.AsyncConnection[Any]):
    """As :class:`TimedConnection`."""

    answer_seconds: float | None = None

    async def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        if timeout is not None:
            return await super().wait(gen, interval, timeout)
        with _closed_on_failure(self):
            return await super().wait(gen, interval, self.answer_seconds)


def connect(database: DatabaseSettings, *, seconds: float, name: str) -> TimedConnection:
    """A connection outside the pools, in autocommit.

    Raises:
        psycopg.OperationalError: no connection can be made in time.
    """
    url = database.url.get_secret_value()
    more = parameters(url, seconds) | login.parameters(database)
    connection = TimedConnection.connect(url, autocommit=True, application_name=name, **more)
    connection.answer_seconds = seconds
    return connection


async def connect_async(
    database: DatabaseSettings, *, seconds: float, name: str
) -> AsyncTimedConnection:
    """As :func:`connect`."""
    url = database.url.get_secret_value()
    more = parameters(url, seconds) | await asyncio.to_thread(login.parameters, database)
    connection = await AsyncTimedConnection.connect(
        url, autocommit=True, application_name=name, **more
    )
    connection.answer_seconds = seconds
    return connection


@contextmanager
def _closed_on_failure(connection: TimedConnection | AsyncTimedConnection) -> Iterator[None]:
    """An answer may still be on its way: nobody may use the connection again."""
    try:
        yield
    except psycopg.OperationalError:
        connection.pgconn.finish()
        raise
