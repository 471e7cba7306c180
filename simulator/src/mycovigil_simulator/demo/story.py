"""The story: what happens to the world, night by night."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Night:
    """``new_phone`` and ``novel``: shares of the night's photos; ``expected``: what we hope for,
    only shown, never used."""

    title: str
    new_phone: float
    novel: float
    expected: str


STORY = (
    Night("calm", 0.0, 0.0, "calm"),
    Night("calm", 0.0, 0.0, "calm"),
    Night("a deadly look-alike", 0.0, 0.35, "drift"),
    Night("it stays", 0.0, 0.35, "calm"),
    Night("a new phone camera", 0.6, 0.35, "drift"),
    Night("both stay", 0.6, 0.35, "calm"),
    Night("both stay", 0.6, 0.35, "calm"),
)
