"""A file whose time says that a process without a port still goes round: for health checks."""

from pathlib import Path
from typing import Any

from celery.beat import Scheduler as CeleryScheduler

from mycovigil.settings import Settings


def beat(file: Path | None) -> None:
    """Touch ``file``, if there is one."""
    if file is not None:
        file.touch()


class Scheduler(CeleryScheduler):
    """Celery beat's own, with a heartbeat on every round. It keeps no file of what was sent: what
    is due is in the database."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._heartbeat = Settings.load().drift.heartbeat

    def tick(self, *args: Any, **options: Any) -> float:
        beat(self._heartbeat)
        return float(super().tick(*args, **options))
