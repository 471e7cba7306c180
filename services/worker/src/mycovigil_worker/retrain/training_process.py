"""Training as a child process: its last line of output is its result, its log is stored."""

import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Any

from mycovigil.settings import TrainingSettings
from mycovigil_worker.retrain.training import Ended, Interrupted, TrainingFailed

MOST_LINES = 20_000
# Seconds between SIGTERM and SIGKILL: half of what Docker and Cloud Run give the worker itself,
# which needs the other half to put the job back.
PATIENCE = 5.0


class Child:
    """One training process; :meth:`stop` may be called from another thread.

    Args:
        arguments: after the command that the settings give.
    """

    def __init__(self, settings: TrainingSettings, arguments: Sequence[str]) -> None:
        first, *rest = settings.command
        program = sys.executable if first == "python" else first
        self._command = [program, *rest, *arguments]
        self._timeout = settings.timeout_seconds
        self._process: subprocess.Popen[str] | None = None
        self._interrupted = False

    def run(self) -> Ended:
        """Start it and wait for its end, at most the timeout.

        Raises:
            TrainingFailed: the command cannot be started.
            Interrupted: the worker is stopping.
        """
        ended = self._run()
        if self._interrupted:
            raise Interrupted("the worker was stopped")
        return ended

    def interrupt(self) -> None:
        """Stop it because the worker is stopping; called from another thread."""
        self._interrupted = True
        self.stop()

    def lease_lost(self) -> None:
        """Whoever has the lease now starts its own."""
        self.stop()

    def _run(self) -> Ended:
        try:
            process = subprocess.Popen(
                self._command,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",  # a reader that stops would block the child
            )
        except OSError as error:
            raise TrainingFailed(f"cannot start {self._command[0]}: {error}") from error
        self._process = process
        if self._interrupted:
            self.stop()
        streams = [_Lines(process.stdout), _Lines(process.stderr)]
        timed_out = False
        try:
            process.wait(self._timeout)
        except subprocess.TimeoutExpired:
            timed_out = True
            self.stop()
        output, errors = (stream.collected() for stream in streams)
        return Ended(process.returncode, output, errors, timed_out)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL if it does not end in time."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            with suppress(subprocess.TimeoutExpired):  # the kernel may hold it, on a dead disk
                self._process.wait(PATIENCE)


class _Lines:
    """Reads a stream to its end in a thread, keeping the last lines."""

    def __init__(self, stream: IO[Any] | None) -> None:
        assert stream is not None
        self._stream = stream
        self._lines: deque[str] = deque(maxlen=MOST_LINES)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with self._stream:
            self._lines.extend(_storable(line) for line in self._stream if line.strip())

    def collected(self) -> list[str]:
        """The lines so far: a process that the child started may keep the stream open for ever."""
        self._thread.join(PATIENCE)
        return list(self._lines.copy())


def _storable(line: str) -> str:
    """Without NUL, which Postgres takes in no text."""
    return line.rstrip("\n").replace("\0", "\N{REPLACEMENT CHARACTER}")
