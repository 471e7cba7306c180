"""One log of all processes: to a file always, to the terminal if wanted."""

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.text import Text

COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "red", "bright_black", "white")


class MergedLog:
    """Lines of all processes, each with its process's name in front.

    ``console`` gets every line; ``notices`` gets those of the stack itself, such as that a process
    ended and is started again.
    """

    notices: Console | None = None

    def __init__(self, path: Path, console: Console | None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8")
        self._console = console
        self._colours: dict[str, str] = {}
        self._lock = threading.Lock()

    def line(self, name: str, text: str) -> None:
        """Write one line of the process ``name``; safe to call from several threads."""
        with self._lock:
            if self._file.closed:
                return
            self._file.write(f"{name:<9} | {text}\n")
            self._file.flush()
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
            self._file.close()
