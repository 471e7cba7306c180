"""The outbox relay: a thread that publishes waiting events, at least once, in order per key."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import psycopg
import structlog
from sqlalchemy.orm import Session, sessionmaker

from mycovigil.backoff import Backoff
from mycovigil.events import outbox
from mycovigil.events.outbox import Sweep
from mycovigil.events.publisher import Publisher
from mycovigil.postgres import timeouts
from mycovigil.settings import Settings
from mycovigil_drift.metrics import Metrics

log = structlog.get_logger(__name__)
BATCH = 100
# Advisory lock: of several relays one publishes and the others wait, so that events with the same
# key stay in order across processes.
LOCK = "mycovigil outbox relay"
# Seconds between two checks of whether the thread has to stop.
STOP_CHECK_SECONDS = 0.05
# Pauses after errors.
BACKOFF = Backoff(first=0.1, longest=5.0)


@dataclass(frozen=True, slots=True)
class RelayHealth:
    """``leading``: this relay holds the lock; ``problem``: its last error, empty while it works."""

    alive: bool = False
    leading: bool = False
    problem: str = ""


class Relay:
    """Publishes on notification (LISTEN) and every ``relay_seconds``; after an error of the broker
    or of the database it starts again."""

    def __init__(
        self,
        settings: Settings,
        sessions: sessionmaker[Session],
        publisher: Callable[[Settings], Publisher],
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._sessions = sessions
        self._make_publisher = publisher
        self._metrics = metrics
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox-relay", daemon=True)
        self._health = RelayHealth()
        self._failures = 0  # in a row

    @property
    def health(self) -> RelayHealth:
        return replace(self._health, alive=self._thread.is_alive())

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float = 15.0) -> None:
        """Finish the current batch and stop; waits for at most ``timeout`` seconds."""
        self._stopping.set()
        self._thread.join(timeout)

    def drain(self, sweep: Sweep) -> None:
        """Publish batch after batch, each in a transaction of its own, until no event can be
        published. Of a broker that hangs, the error is known after the first batch."""
        more = True
        while more and not self._stopping.is_set():
            with self._sessions.begin() as session:
                more = sweep.batch(session)
            self._health = replace(self._health, problem=_problem(sweep))

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._serve()
            except Exception as error:  # broker or database unavailable: wait, and start again
                self._health = RelayHealth(problem=f"{type(error).__name__}: {error}")
                self._failures += 1
                pause = BACKOFF.seconds(self._failures)
                log.warning("relay interrupted", error=str(error), again_in=round(pause, 2))
                self._stopping.wait(pause)

    def _serve(self) -> None:
        publisher = self._make_publisher(self._settings)
        try:
            publisher.prepare()
            database = self._settings.database
            seconds = database.request_seconds
            with timeouts.connect(database, seconds=seconds, name="mycovigil-relay") as connection:
                connection.execute(f"LISTEN {outbox.CHANNEL}")
                while not self._stopping.is_set():
                    self._turn(connection, publisher)
                    self._failures = 0
        finally:
            publisher.close()

    def _turn(self, connection: psycopg.Connection, publisher: Publisher) -> None:
        if not self._health.leading:
            leading = _lead(connection)
            self._health = RelayHealth(leading=leading)
        if self._health.leading:
            self._work(publisher)
        self._sleep(connection)

    def _work(self, publisher: Publisher) -> None:
        sweep = Sweep(publisher.publish, BATCH)
        try:
            self.drain(sweep)
        finally:
            self._count(sweep)
        if sweep.published:
            log.info("events published", events=len(sweep.published))
        if sweep.failures:
            log.warning(
                "events not published, will be tried again",
                events=len(sweep.failures),
                last=_problem(sweep),
            )

    def _count(self, sweep: Sweep) -> None:
        for topic in sweep.published:
            self._metrics.relay_published.labels(topic).inc()
        for topic, _ in sweep.failures:
            self._metrics.relay_failures.labels(topic).inc()

    def _sleep(self, connection: psycopg.Connection) -> None:
        deadline = time.monotonic() + self._settings.drift.relay_seconds
        while not self._stopping.is_set() and (left := deadline - time.monotonic()) > 0:
            for _ in connection.notifies(timeout=min(left, STOP_CHECK_SECONDS), stop_after=1):
                return


def _problem(sweep: Sweep) -> str:
    return sweep.failures[-1][1] if sweep.failures else ""


def _lead(connection: psycopg.Connection) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(hashtext(%s))", (LOCK,)).fetchone()
    return bool(row and row[0])
