"""A process of the stack that dies is started again, however often it dies."""

import time
from itertools import count
from types import MethodType, SimpleNamespace
from typing import Any

import pytest

from mycovigil_local.stack import Stack


class DyingChild:
    """Dies as soon as it was started; remembers when that was."""

    name = "predictor"
    alive = False

    def __init__(self, clock: list[float]) -> None:
        self.clock = clock
        self.starts: list[float] = []

    def start(self) -> None:
        self.starts.append(self.clock[0])

    def sink(self, _name: str, _line: str) -> None:
        """Nobody reads it."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock of half-second steps; the loop ends after a minute of it."""
    now = [0.0]
    steps = count()

    def sleep(seconds: float) -> None:
        now[0] += seconds
        if next(steps) > 120:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_a_child_that_keeps_dying_is_started_again_with_growing_pauses(clock: list[float]) -> None:
    child = DyingChild(clock)
    held: Any = SimpleNamespace(children=[child], database=None, write=lambda: None)
    held._revive = MethodType(Stack._revive, held)
    with pytest.raises(KeyboardInterrupt):
        Stack.watch(held)
    pauses = [b - a for a, b in zip([0.0, *child.starts], child.starts, strict=False)]
    assert len(pauses) >= 4
    assert pauses == sorted(pauses)
