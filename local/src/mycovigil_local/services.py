"""The services of a stack, named as in docker-compose.yml."""

import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Service:
    """A service, run as ``python -m`` with ``arguments``; left out unless ``module`` is installed.

    ``ready``: pattern of the log line that says it is ready.
    """

    name: str
    module: str
    arguments: tuple[str, ...]
    ready: str

    def command(self) -> list[str]:
        """The command line, with this Python."""
        return [sys.executable, "-m", *self.arguments]


SERVICES = (
    Service(
        "predictor", "mycovigil_predictor", ("mycovigil_predictor",), "Application startup complete"
    ),
    Service("drift", "mycovigil_drift", ("mycovigil_drift",), "Application startup complete"),
    Service(
        "worker",
        "mycovigil_worker",
        ("celery", "-A", "mycovigil_worker.app", "worker", "--concurrency", "2", "-P", "threads"),
        r"celery@\S+ ready",
    ),
    Service(
        "beat",
        "mycovigil_worker",
        ("celery", "-A", "mycovigil_worker.app", "beat"),
        "beat: Starting",
    ),
    Service("trigger", "mycovigil_worker", ("mycovigil_worker", "trigger"), "waiting for alerts"),
)
