"""``stack.json``: how scripts and other terminals find the running stack."""

import json
import os
from pathlib import Path
from typing import Any, cast


def write(file: Path, content: dict[str, Any]) -> None:
    """Write ``content``, readable by its owner alone, whole or not at all."""
    partial = file.with_suffix(".part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        json.dump(content, out, indent=2)
    partial.replace(file)


def read(file: Path) -> dict[str, Any] | None:
    """The content, if the stack that wrote it is still alive."""
    try:
        content = cast("dict[str, Any]", json.loads(file.read_text()))
        os.kill(int(content["pid"]), 0)
    except (OSError, ValueError, KeyError):
        return None
    return content
