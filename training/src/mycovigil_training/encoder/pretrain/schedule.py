"""A training schedule that follows the clock, so that a run surely ends in time."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict


class Recipe(BaseModel):
    """Everything that decides how `mini` is trained, beside photos and budget."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch_size: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 0.1
    warmup: float = 0.03
    averaging: float = 0.997
    mixed_share: float = 0.4
    transplanted_share: float = 0.3
    sizes: tuple[tuple[float, int], ...] = ((0.0, 64), (0.35, 80), (0.7, 96))
    seed: int = 0

    def view_size(self, progress: float) -> int:
        """Side of the views at a progress in [0, 1]: small first, for speed."""
        return max(size for start, size in self.sizes if progress >= start)

    def rate(self, progress: float) -> float:
        """Learning rate: linear warm-up, then half a cosine."""
        if progress < self.warmup:
            return self.learning_rate * max(progress, 1e-3) / self.warmup
        passed = (progress - self.warmup) / (1.0 - self.warmup)
        return self.learning_rate * 0.5 * (1.0 + math.cos(math.pi * min(passed, 1.0)))


@dataclass
class Budget:
    """Seconds, or steps (which make a run repeatable), whichever is used up first.

    Attributes:
        seconds: Allowed time, including that of earlier runs that this one resumes.
        steps: Allowed optimiser steps.
        spent: Seconds that earlier runs used.
    """

    seconds: float
    steps: int | None = None
    spent: float = 0.0
    _start: float = field(default_factory=time.monotonic, init=False)

    @property
    def elapsed(self) -> float:
        """Seconds used so far."""
        return self.spent + time.monotonic() - self._start

    def progress(self, step: int) -> float:
        """Share of the budget used before `step`, at most 1; by steps alone if they are given."""
        if self.steps is not None:
            return min(step / self.steps, 1.0)
        return min(self.elapsed / self.seconds, 1.0)
