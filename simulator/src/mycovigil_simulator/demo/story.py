"""The story: what happens to the world, night by night."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Night:
    """``new_phone`` and ``novel``: shares of the night's photos."""

    title: str
    new_phone: float
    novel: float


# Three calm nights teach what days differ by; the fourth is the first that is judged.
STORY = (
    Night("calm", 0.0, 0.0),
    Night("calm", 0.0, 0.0),
    Night("calm", 0.0, 0.0),
    Night("calm", 0.0, 0.0),
    Night("a new phone, a deadly look-alike", 0.6, 0.8),
    Night("both stay", 0.6, 0.8),
    Night("both stay", 0.6, 0.8),
)
