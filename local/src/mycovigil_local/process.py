"""A child process in a session of its own, whose output is read line by line."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

# Called with a process's name and one line of its output, without the newline.
LineSink = Callable[[str, str], None]


class ChildFailed(RuntimeError):
    """The process ended, or did not become ready in time; the message has its last lines."""


@dataclass
class Child:
    """A process that can be started again. ``ready``: pattern of the output line that says it is
    ready; none if it is ready at once."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    sink: LineSink
    ready: str | None = None
    _process: "subprocess.Popen[str] | None" = None
    _reader: threading.Thread | None = None
    _is_ready: threading.Event = field(default_factory=threading.Event)
    _tail: list[str] = field(default_factory=list)

    def start(self) -> None:
        """Start it, and a thread that reads its output."""
        self._is_ready.clear()
        self._process = subprocess.Popen(
            self.command,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def wait_ready(self, timeout: float) -> None:
        """Wait for the ready line.

        Raises:
            ChildFailed: it ended first, or took longer.
        """
        deadline = time.monotonic() + timeout
        while self.ready is not None and not self._is_ready.wait(0.05):
            if not self.alive or time.monotonic() > deadline:
                fate = "is not ready" if self.alive else f"ended with {self._returncode()}"
                raise ChildFailed(f"{self.name} {fate}:\n" + "\n".join(self._tail))

    def stop(self, grace: float = 10.0) -> None:
        """SIGTERM, and SIGKILL to the whole session after ``grace`` seconds."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(grace)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):  # the kernel may hold it, on a dead disk
            self._process.wait(grace)
        if self._reader is not None:
            self._reader.join(1.0)

    def _returncode(self) -> int | None:
        return self._process.returncode if self._process else None

    def _read(self, process: "subprocess.Popen[str]") -> None:
        pattern = re.compile(self.ready) if self.ready else None
        with process:
            for line in process.stdout or ():
                text = line.rstrip("\n")
                self._tail = [*self._tail[-14:], text]
                self.sink(self.name, text)
                if pattern is not None and pattern.search(text):
                    self._is_ready.set()
