"""``stack.json``: how scripts and other terminals find the running stack."""

import json
import os
import signal
from contextlib import suppress
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
    return content if content is not None and _alive(int(content["pid"])) else None


def claim(file: Path) -> None:
    """Make the folder ours: end the processes of a stack that was killed and could not.

    Raises:
        AlreadyRunning: its owner is alive.
    """
    import psutil

    content = _content(file)
    if content is None:
        return
    if _alive(int(content["pid"])):
        raise AlreadyRunning(f"process {content['pid']} runs a stack in {file.parent} already")
    for pid in content["processes"].values():
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            # A later process that was given the same number is none of ours.
            if psutil.Process(pid).create_time() <= file.stat().st_mtime:
                os.kill(pid, signal.SIGTERM)
                psutil.Process(pid).wait(timeout=20)
    file.unlink()


def _content(file: Path) -> dict[str, Any] | None:
    try:
        return cast("dict[str, Any]", json.loads(file.read_text()))
    except (OSError, ValueError):
        return None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True
