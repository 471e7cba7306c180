"""Long work shows a bar on a terminal, and log lines elsewhere; standard output stays clean."""

import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

import structlog
from rich.console import Console
from rich.progress import track

T = TypeVar("T")
LOG_SECONDS = 10.0


def tracked(items: Iterable[T], what: str) -> Iterator[T]:
    """Iterate and show the progress."""
    total = len(items) if isinstance(items, Sized) else None
    console = Console(stderr=True)
    if console.is_terminal:
        yield from track(items, description=what, total=total, console=console, transient=True)
        return
    yield from _logged(items, what, total)


def _logged(items: Iterable[T], what: str, total: int | None) -> Iterator[T]:
    log = structlog.get_logger("mycovigil.training")
    logged_at = time.monotonic()
    for done, item in enumerate(items):
        if time.monotonic() - logged_at >= LOG_SECONDS:
            logged_at = time.monotonic()
            log.info(what, done=done, total=total)
        yield item
