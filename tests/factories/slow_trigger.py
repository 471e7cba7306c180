"""The retrain trigger with a consumer that takes seconds for each message.

``python -m factories.slow_trigger``, with ``tests/`` on the path.
"""

import time

from mycovigil.events.event import Event
from mycovigil_worker import __main__ as worker
from mycovigil_worker.retrain import trigger
from mycovigil_worker.state import State

SECONDS = 3.0


def main() -> None:
    """Run the trigger, each message delayed."""
    handle = trigger.handle

    def slowly(state: State, event: Event) -> None:
        time.sleep(SECONDS)
        handle(state, event)

    trigger.handle = slowly
    worker.main(["trigger"])


if __name__ == "__main__":
    main()
