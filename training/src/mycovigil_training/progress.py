"""Long work shows a bar on a terminal, and log lines elsewhere; standard output stays clean."""

import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import TypeVar

import structlog
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TransferSpeedColumn,
    track,
)

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


@contextmanager
def counted(what: str, total: int, done: int = 0) -> Iterator[Callable[[int], None]]:
    """Show the progress of bytes; call what is yielded with each part's length. ``total`` may be
    unknown (-1)."""
    console = Console(stderr=True)
    if console.is_terminal:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
        )
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(what, total=total if total >= 0 else None, completed=done)
            yield lambda length: bar.advance(task, length)
        return
    log, state = structlog.get_logger("mycovigil.training"), [done, time.monotonic()]

    def tick(length: int) -> None:
        state[0] += length
        if time.monotonic() - state[1] >= LOG_SECONDS:
            state[1] = time.monotonic()
            log.info(what, done=state[0], total=total)

    yield tick
