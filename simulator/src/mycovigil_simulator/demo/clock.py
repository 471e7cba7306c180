"""Waiting: for the next window, and for something to happen."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from mycovigil.references.window import Nights, Window

Found = TypeVar("Found")


def next_window(period: timedelta) -> Window:
    """The next whole window, once it has begun."""
    nights = Nights(period)
    window = nights.night(nights.index_of(datetime.now(tz=UTC)) + 1)
    wait_until(window.start)
    return window


def wait_until(moment: datetime) -> None:
    """Sleep until a moment; return at once if it has passed."""
    time.sleep(max((moment - datetime.now(tz=UTC)).total_seconds(), 0.0))


def eventually(
    find: Callable[[], Found | None], what: str, *, timeout: float, interval: float = 0.25
) -> Found:
    """What ``find`` returns, as soon as it is not None.

    Raises:
        TimeoutError: still None after ``timeout`` seconds.
    """
    deadline = time.monotonic() + timeout
    while (found := find()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {what} after {timeout:.0f} s; see the log")
        time.sleep(interval)
    return found
