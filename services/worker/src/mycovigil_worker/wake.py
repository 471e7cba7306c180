"""Sends a tick as soon as somebody asks for a report or a retrain, beside the trigger."""

import threading
from datetime import timedelta
from typing import Any

import psycopg
import structlog

from mycovigil.backoff import Backoff
from mycovigil.events import wake
from mycovigil.postgres import timeouts
from mycovigil.settings import Settings
from mycovigil_worker.app import NAME, app

# How often the loop looks whether it has to stop.
TURN_SECONDS = 1.0
BACKOFF = Backoff(first=1.0, longest=30.0)
# A tick that no worker took by then is not sent to one later: the schedule's follows.
EXPIRES = timedelta(minutes=10)
log = structlog.get_logger(__name__)


def start(settings: Settings, stop: threading.Event) -> threading.Thread:
    """Listen in a thread until ``stop`` is set."""
    thread = threading.Thread(target=run, args=(settings, stop), name="wake", daemon=True)
    thread.start()
    return thread


def run(settings: Settings, stop: threading.Event) -> None:
    """Send a tick for each batch of notices; Postgres or the broker may be away meanwhile.

    Who asked while nobody listened is answered by the tick with which listening begins.
    """
    failures = 0
    while not stop.is_set():
        try:
            with _listening(settings) as connection:
                _send()
                failures = 0
                while not stop.is_set():
                    _turn(connection)
        except Exception as error:  # each broker has its own errors; a full Redis, too
            failures += 1
            log.warning("requests wait", error=f"{type(error).__name__}: {error}")
            stop.wait(BACKOFF.seconds(failures))


def _listening(settings: Settings) -> psycopg.Connection[Any]:
    connection = timeouts.connect(
        settings.database,
        seconds=settings.database.request_seconds,
        name="mycovigil-wake",
    )
    connection.execute(f"LISTEN {wake.CHANNEL}".encode())
    return connection


def _turn(connection: psycopg.Connection[Any]) -> None:
    """Wait for a notice and send one tick for it and all that have come since."""
    if not any(connection.notifies(timeout=TURN_SECONDS, stop_after=1)):
        return
    for _ in connection.notifies(timeout=0):
        pass
    _send()
    log.info("somebody waits: a tick is sent")


def _send() -> None:
    app.send_task(f"{NAME}.nightly", expires=EXPIRES.total_seconds())
