"""One log of all processes: to a file always, to the terminal if wanted."""

import logging
import threading
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.text import Text

# The file and its three predecessors: what a stack that runs for months may fill.
MOST_BYTES, PREDECESSORS = 20_000_000, 3
COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "red", "bright_black", "white")


class MergedLog:
    """Lines of all processes, each with its process's name in front.

    ``console`` gets every line; ``notices`` gets those of the stack itself, such as that a process
    ended and is started again.
    """

    notices: Console | None = None

    def __init__(self, path: Path, console: Console | None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = RotatingFileHandler(
            path, maxBytes=MOST_BYTES, backupCount=PREDECESSORS, encoding="utf-8"
        )
        self._closed = False
        self._console = console
        self._colours: dict[str, str] = {}
        self._lock = threading.Lock()

    def line(self, name: str, text: str) -> None:
        """Write one line of the process ``name``; safe to call from several threads."""
        with self._lock:
            if self._closed:
                return
            self._file.handle(logging.makeLogRecord({"msg": f"{name:<9} | {text}"}))
            if self._console is not None:
                colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
                self._console.print(Text(f"{name:<9} | ", style=colour) + Text(text))
            elif self.notices is not None and name == "stack":
                self.notices.print(Text(text))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._closed = True
            self._file.close()
