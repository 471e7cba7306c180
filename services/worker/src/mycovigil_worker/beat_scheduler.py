"""Celery beat's scheduler, with a heartbeat on every round.

It keeps no file of what was sent: what is due is in the database.
"""

from typing import Any

from celery.beat import Scheduler as CeleryScheduler

from mycovigil.settings import Settings
from mycovigil_worker.heartbeat import Heartbeat


class Scheduler(CeleryScheduler):
    """Named in Celery's configuration (``beat_scheduler``)."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._heartbeat = Heartbeat(Settings.load())

    def tick(self, *args: Any, **options: Any) -> float:
        self._heartbeat.beat()
        return float(super().tick(*args, **options))
