"""One row by its id, or the problem that says there is none."""

import uuid
from typing import TypeVar

from sqlalchemy.orm import Session

from mycovigil.db.base import Base
from mycovigil.postgres.row_lock import locked
from mycovigil.problem import not_found

Row = TypeVar("Row", bound=Base)


def one(
    session: Session, table: type[Row], identifier: uuid.UUID, noun: str, *, lock: bool = False
) -> Row:
    """The row; ``lock`` holds it until the transaction ends.

    Raises:
        Problem: 404, there is no such ``noun``.
    """
    found = (locked if lock else Session.get)(session, table, identifier)
    if found is None:
        raise not_found(noun, identifier)
    return found
