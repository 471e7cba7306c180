"""``python -m mycovigil_worker trigger``: until SIGTERM, turn alerts into retrain jobs, and send a
tick to the worker for whoever waits."""

import signal
import sys
import threading

from mycovigil import cloud_access
from mycovigil.cloud_access import Need
from mycovigil.events.publisher import publisher_of
from mycovigil.settings import Settings
from mycovigil.telemetry import configure_logging
from mycovigil_worker import wake
from mycovigil_worker.retrain import trigger
from mycovigil_worker.state import State

USAGE = "usage: python -m mycovigil_worker trigger"


def main(arguments: list[str]) -> int:
    """The composition root of the trigger process."""
    if arguments != ["trigger"]:
        sys.stderr.write(f"{USAGE}\n")
        return 2
    settings = Settings.load_or_exit()
    configure_logging(settings.telemetry, service="retrain-trigger")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    publisher = publisher_of(settings)
    state = State.of(settings, seconds=settings.database.request_seconds)
    wake.start(settings, stop)
    cloud_access.report(settings, Need.CONSUME, service="trigger")
    try:
        trigger.listen(state, publisher, stop)
    finally:
        publisher.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
