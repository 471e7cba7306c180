"""A database that can be taken away, and patience until something happens."""

import time
from collections.abc import Callable

import psycopg

# Seconds. For a busy machine; a test's claim is never that something happens within it.
DEADLINE = 90.0
Server = psycopg.Connection[tuple[object, ...]]


class Database:
    """The worker's database, which can be taken away and given back."""

    def __init__(self, server: Server, name: str) -> None:
        self._server = server
        self._name = name

    def take_away(self) -> None:
        self._allow("false")
        self._server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [self._name],
        )

    def give_back(self) -> None:
        self._allow("true")

    def _allow(self, value: str) -> None:
        self._server.execute(f'ALTER DATABASE "{self._name}" ALLOW_CONNECTIONS {value}'.encode())


def until(condition: Callable[[], bool], seconds: float = DEADLINE) -> None:
    """Return as soon as ``condition`` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
