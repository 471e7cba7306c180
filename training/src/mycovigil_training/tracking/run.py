"""What is kept of a training run, and the port through which it goes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Run:
    """``curves`` are figures of each epoch, ``figures`` those of the end, ``files`` by the names
    they are kept under."""

    name: str
    config: Mapping[str, Any]
    curves: Sequence[Mapping[str, float]]
    figures: Mapping[str, Any]
    files: Mapping[str, Path] = field(default_factory=dict)


class Tracker(Protocol):
    """Where runs go."""

    def keep(self, run: Run) -> str:
        """Keep a run; returns where it is.

        Raises:
            OSError: it cannot be written.
        """
        ...
