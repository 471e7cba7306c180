"""Where a model comes from: data, code, libraries, seed."""

import hashlib
import subprocess
from collections.abc import Sequence
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from mycovigil_training.configuration import TrainConfig
from mycovigil_training.dataset import curated

GIT_SECONDS = 10


def provenance(folder: Path, config: TrainConfig, overrides: Sequence[str]) -> dict[str, Any]:
    """What a second run needs to give the same model; unknown parts are empty.

    ``libraries`` is a SHA-256 of every installed distribution's name and version.
    """
    return {
        "dataset": str(folder.resolve()),
        "content_hash": curated.content_hash(curated.read(folder)),
        "overrides": list(overrides),
        "seed": config.seed,
        "git_revision": _revision(),
        "libraries": _libraries(),
    }


def _revision() -> str:
    """Of the checkout that this code runs from, with ``+`` where it holds uncommitted changes."""
    here = Path(__file__).parent
    try:
        revision = _git("rev-parse", "HEAD", here=here)
        return revision + ("+" if _git("status", "--porcelain", here=here) else "")
    except (OSError, subprocess.SubprocessError):
        return ""


def _git(*arguments: str, here: Path) -> str:
    command = ["git", *arguments]
    found = subprocess.run(
        command, cwd=here, capture_output=True, text=True, timeout=GIT_SECONDS, check=True
    )
    return found.stdout.strip()


@cache
def _libraries() -> str:
    names = sorted({f"{one.metadata['Name']}=={one.version}" for one in distributions()})
    return hashlib.sha256("\n".join(names).encode()).hexdigest()
