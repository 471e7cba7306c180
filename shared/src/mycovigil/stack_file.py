"""``stack.json``: how scripts and other terminals find the running stack."""

import fcntl
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast


class AlreadyRunning(RuntimeError):
    """A stack that is alive owns the folder."""


def write(file: Path, content: dict[str, Any]) -> None:
    """Write ``content``, readable by its owner alone, whole or not at all."""
    partial = file.with_suffix(".part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        json.dump(content, out, indent=2)
    partial.replace(file)


def read(file: Path) -> dict[str, Any] | None:
    """The content, if the stack that wrote it is still alive."""
    content = _content(file)
    return content if content is not None and _wrote(int(content["pid"]), file) else None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep the folder for this process, from before its first server starts.

    Raises:
        AlreadyRunning: another process holds it.
    """
    with (folder / "stack.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(f"another process runs or starts a stack in {folder}") from error
        yield


def claim(file: Path) -> None:
    """Make the folder ours: end the processes of a stack that was killed and could not.

    Raises:
        AlreadyRunning: its owner is alive.
    """
    import psutil

    content = _content(file)
    if content is None:
        return
    if _wrote(int(content["pid"]), file):
        raise AlreadyRunning(f"process {content['pid']} runs a stack in {file.parent} already")
    for pid in content["processes"].values():
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            if _wrote(pid, file):
                os.kill(pid, signal.SIGTERM)
                psutil.Process(pid).wait(timeout=20)
    file.unlink()


def _content(file: Path) -> dict[str, Any] | None:
    try:
        return cast("dict[str, Any]", json.loads(file.read_text()))
    except (OSError, ValueError):
        return None


def _wrote(pid: int, file: Path) -> bool:
    """Whether the process was there when the file was written: a later one that was given the
    same number is none of ours."""
    import psutil

    try:
        return bool(psutil.Process(pid).create_time() <= file.stat().st_mtime)
    except psutil.NoSuchProcess:
        return False
