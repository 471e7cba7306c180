"""What a Celery worker does beside its tasks: logging, heartbeat, imports ahead, a clean stop."""

import threading
import time
from collections.abc import Callable
from typing import Any

from celery import signals

from mycovigil import cpu
from mycovigil.settings import Settings
from mycovigil.telemetry import configure_logging
from mycovigil_worker.app import NIGHTS
from mycovigil_worker.heartbeat import INTERVAL, Heartbeat

# Celery sends a heartbeat of its own from its event loop every two seconds; a loop that has sent
# none for so long is stuck, or has lost the broker.
LOOP_SECONDS = 60.0


class Activity:
    """Whether the worker gets on: it runs a task, or its event loop turns.

    A solo worker's loop stands still while a task runs, and that is no fault.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._running = 0
        self._last_turn = clock()
        self._lock = threading.Lock()

    def task_started(self, **_: object) -> None:
        with self._lock:
            self._running += 1

    def task_ended(self, **_: object) -> None:
        with self._lock:
            self._running -= 1
            self._last_turn = self._clock()

    def loop_turned(self, **_: object) -> None:
        self._last_turn = self._clock()

    def is_alive(self) -> bool:
        return self._running > 0 or self._clock() - self._last_turn < LOOP_SECONDS


activity = Activity()
signals.task_prerun.connect(activity.task_started)
signals.task_postrun.connect(activity.task_ended)
signals.heartbeat_sent.connect(activity.loop_turned)


@signals.setup_logging.connect
def _configure_logging(**_: object) -> None:
    configure_logging(Settings.load().telemetry, service="worker")


@signals.worker_ready.connect
def _start(sender: Any = None, **_: object) -> None:
    from mycovigil import cloud_access  # beat imports this module, and needs no tables
    from mycovigil.cloud_access import Need

    settings = Settings.load()
    queues = () if sender is None else sender.app.amqp.queues.consume_from
    service = "worker" if NIGHTS in queues else "trainer"
    cloud_access.report(settings, Need.READ, Need.WRITE, service=service)
    if settings.drift.heartbeat is not None:
        _in_background("heartbeat", lambda: keep_beating(Heartbeat(settings), activity))
    if NIGHTS in queues:
        _in_background("imports", _import_ahead)


@signals.worker_shutting_down.connect
def _interrupt(**_: object) -> None:
    from mycovigil_worker.retrain import training

    training.interrupt_all()


def keep_beating(
    heartbeat: Heartbeat, activity: Activity, wait: Callable[[float], object] = time.sleep
) -> None:
    """Beat for as long as the process lives and gets on."""
    while True:
        if activity.is_alive():
            heartbeat.beat()
        wait(INTERVAL)


def _in_background(name: str, work: Callable[[], None]) -> None:
    threading.Thread(target=work, name=name, daemon=True).start()


def _import_ahead() -> None:
    """Evidently takes seconds to import, which the first night would otherwise take longer.

    The libraries of linear algebra that came with it count the host's processors.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    from mycovigil_worker.report import evidently_report

    evidently_report.load()
    threadpool_limits(cpu.available())
