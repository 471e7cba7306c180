"""The lock that keeps a second process from opening the same spool."""

import fcntl
import os
from pathlib import Path


class SpoolInUse(RuntimeError):
    """Another process has the spool open; each counts its own rows only."""


def lock(path: Path) -> int:
    """Lock the spool at ``path``; returns a file descriptor. Closing it, or the end of the
    process, releases the lock.

    Raises:
        SpoolInUse: another process holds it.
    """
    descriptor = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise SpoolInUse(
            f"another predictor keeps its rows in {path}: give each its own "
            "MYCOVIGIL_PREDICTOR_SPOOL_PATH"
        ) from error
    return descriptor
