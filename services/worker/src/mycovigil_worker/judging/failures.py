"""What may fail: an outage, after which the next tick tries again, or the judging itself."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import structlog
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.orm import Session

log = structlog.get_logger(__name__)
T = TypeVar("T")


def is_outage(error: Exception) -> bool:
    """Whether the database or the storage is away."""
    return isinstance(error, (DBAPIError, OSError)) and not isinstance(error, DataError)


def summary(error: Exception) -> str:
    """The error's class and the first line of its message."""
    return f"{type(error).__name__}: {first_line(error)}"


def first_line(error: Exception) -> str:
    """Of a failed statement the following lines are its values."""
    return str(error).partition("\n")[0]


@dataclass(frozen=True, slots=True)
class OptionalParts:
    """Makes parts of a report that may crash; ``missing`` describes those that did."""

    missing: list[str] = field(default_factory=list)

    def make(self, name: str, part: Callable[[], T], session: Session | None = None) -> T | None:
        """The part, or none if making it crashed.

        Args:
            session: what the part reads from; it stays usable after a failed statement.

        Raises:
            DBAPIError, OSError: an outage.
        """
        try:
            if session is None:
                return part()
            with session.begin_nested():
                return part()
        except Exception as error:
            if is_outage(error):
                raise
            log.exception("a part of a report is missing", part=name)
            self.missing.append(f"{name} could not be made: {summary(error)}")
            return None
