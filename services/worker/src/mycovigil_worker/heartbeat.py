"""Heartbeat file of a process without a port: fresh while it works and Postgres answers.

Container health checks look at the file's age, so a file that is older than :data:`STALE_MINUTES`
means unhealthy. Nothing heavy is imported here: beat and the trigger need it.
"""

import time
from collections.abc import Callable

import psycopg
import structlog

from mycovigil.postgres import timeouts
from mycovigil.settings import Settings

# Between two checks, however often a process calls `beat`.
INTERVAL = 15.0
# The longest wait for Postgres in a check.
ANSWER_SECONDS = 5.0
# Of the health checks in the Dockerfiles.
STALE_MINUTES = 3

log = structlog.get_logger(__name__)


class Heartbeat:
    """Touches the file that the settings name; does nothing if they name none."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = settings.drift.heartbeat
        self._database = settings.database
        self._clock = clock
        self._next = clock()

    def beat(self) -> None:
        """Touch the file if Postgres answers; called on every round of the process's loop."""
        if self._file is None or self._clock() < self._next:
            return
        self._next = self._clock() + INTERVAL
        if self._postgres_answers():
            self._file.touch()

    def _postgres_answers(self) -> bool:
        try:
            with timeouts.connect(
                self._database, seconds=ANSWER_SECONDS, name="mycovigil-heartbeat"
            ) as connection:
                connection.execute("SELECT 1")
        except psycopg.Error as error:
            log.warning("no heartbeat: Postgres does not answer", error=str(error))
            return False
        return True
