"""What may fail: an outage, after which the next tick tries again, and a crash, which is told."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import structlog
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.orm import Session

log = structlog.get_logger(__name__)
T = TypeVar("T")


def is_outage(error: Exception) -> bool:
    """The database or the storage is away."""
    return isinstance(error, (DBAPIError, OSError)) and not isinstance(error, DataError)


def said(error: Exception) -> str:
    """Its kind and its words."""
    return f"{type(error).__name__}: {first_line(error)}"


def first_line(error: Exception) -> str:
    """What follows of a statement are all its values."""
    return str(error).partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Attempts:
    """Parts of a report that crash without taking the rest with them; ``missing`` names them."""

    session: Session
    missing: list[str] = field(default_factory=list)

    def make(self, what: str, part: Callable[[], T]) -> T | None:
        """The part, or none if making it crashed; what it wrote is then undone.

        Raises:
            DBAPIError, OSError: an outage.
        """
        try:
            with self.session.begin_nested():
                return part()
        except Exception as error:
            if is_outage(error):
                raise
            log.exception("a part of a report is missing", part=what)
            self.missing.append(f"{what} could not be made: {said(error)}")
            return None
