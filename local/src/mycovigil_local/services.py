"""What the stack runs: each process with its command, as docker-compose names them."""

import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Service:
    """``ready``: pattern of the log line that says it is up; ``module`` must be installed."""

    name: str
    module: str
    arguments: tuple[str, ...]
    ready: str

    def command(self) -> list[str]:
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
