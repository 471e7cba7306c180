"""Waiting for windows: the demo has no back door for time, it waits like everybody."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from mycovigil.references.window import Window, index_of, night

Found = TypeVar("Found")


def next_window(period: timedelta) -> Window:
    """The next whole window, waited for until it has begun."""
    window = night(index_of(datetime.now(tz=UTC), period) + 1, period)
    pause(window.start)
    return window


def pause(until: datetime) -> None:
    """Sleep until a moment."""
    time.sleep(max((until - datetime.now(tz=UTC)).total_seconds(), 0.0))


def eventually(
    look: Callable[[], Found | None], what: str, *, timeout: float, interval: float = 0.1
) -> Found:
    """What ``look`` finds, as soon as it finds something.

    Raises:
        TimeoutError: nothing after ``timeout`` seconds.
    """
    deadline = time.monotonic() + timeout
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {what} after {timeout:.0f} s; see the log")
        time.sleep(interval)
    return found
