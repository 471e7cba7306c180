"""The story: what happens to the world, night by night."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Night:
    """``new_phone`` and ``novel``: shares of the night's photos."""

    title: str
    new_phone: float
    novel: float


STORY = (
    Night("calm", 0.0, 0.0),
    Night("calm", 0.0, 0.0),
    Night("a deadly look-alike", 0.0, 0.35),
    Night("it stays", 0.0, 0.35),
    Night("a new phone camera", 0.6, 0.35),
    Night("both stay", 0.6, 0.35),
    Night("both stay", 0.6, 0.35),
)
