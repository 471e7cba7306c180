"""What a worker process holds: made once, at the composition root, after the fork."""

from dataclasses import dataclass
from functools import cache

from sqlalchemy import Engine

from mycovigil.postgres.engine import Sessions, engine_of, sessions_of
from mycovigil.settings import Settings
from mycovigil.storage import Storage


@dataclass(frozen=True, slots=True)
class State:
    """Settings, database and object storage of one process."""

    settings: Settings
    engine: Engine
    sessions: Sessions
    storage: Storage

    @classmethod
    def of(cls, settings: Settings, *, seconds: float | None = None) -> "State":
        """Lazy parts only: nothing connects before its first use.

        Args:
            seconds: the longest a statement may take; as long as a judgement's if not given.
        """
        limit = seconds or settings.database.job_seconds
        engine = engine_of(settings.database, seconds=limit)
        return cls(settings, engine, sessions_of(engine), Storage(settings.storage))


@cache
def process_state() -> State:
    """This process's state; a forked child calls it first in the child, so no socket is shared."""
    return State.of(Settings.load())
