"""Refuse what the disk has no room for, before the first byte."""

import shutil
from pathlib import Path

from mycovigil_training.dataset.fetch.failure import FetchFailed, space

# Left free: databases and logs of the same machine need some.
RESERVE = 200_000_000


def require(folder: Path, needed: int, what: str) -> None:
    """Raise unless the disk of ``folder`` has ``needed`` bytes and a reserve.

    Raises:
        FetchFailed: it has not.
    """
    home = folder
    while not home.exists():
        home = home.parent
    free = shutil.disk_usage(home).free
    if free < needed + RESERVE:
        raise FetchFailed(
            f"{what} needs {space(needed)}, and the disk of {home} has {space(free)} free: make "
            "room, choose another disk with --downloads, or fetch a part with --sample 100"
        )
