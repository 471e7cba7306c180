"""Connections that give up on a silent Postgres: one that hangs, is paused, or is cut off.

A killed server closes its sockets; a hanging one does not. Its kernel goes on acknowledging, so
that neither keepalives nor ``statement_timeout``, which the server itself would have to act on,
end the wait. Only the client's own clock does.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen

UTC = "-c timezone=UTC"
"""A server's own time zone would move days and months in what we show."""
LEAST_CONNECT_SECONDS = 2
"""libpq takes fewer for two."""


def parameters(seconds: float) -> dict[str, Any]:
    """libpq parameters for statements that are short: the server, too, gives up in time."""
    return {
        "connect_timeout": max(LEAST_CONNECT_SECONDS, math.ceil(seconds)),
        "options": f"-c statement_timeout={math.ceil(1_000 * seconds)}"
        f" -c idle_in_transaction_session_timeout=30s {UTC}",
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": math.ceil(2_000 * seconds),
    }


class Impatient(psycopg.Connection[Any]):
    """Closes itself if an answer takes longer than ``patience`` seconds."""

    patience: float | None = None

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        with _given_up(self):
            return super().wait(gen, interval, self.patience)


class AsyncImpatient(psycopg.AsyncConnection[Any]):
    """As :class:`Impatient`."""

    patience: float | None = None

    async def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        if timeout is not None:
            return await super().wait(gen, interval, timeout)
        with _given_up(self):
            return await super().wait(gen, interval, self.patience)


@contextmanager
def _given_up(connection: Impatient | AsyncImpatient) -> Iterator[None]:
    """An answer may still be on its way: nobody may use the connection again."""
    try:
        yield
    except psycopg.OperationalError:
        connection.pgconn.finish()
        raise
