"""A row locked until the transaction ends, as it is once the lock is held."""

import uuid
from typing import TypeVar

from sqlalchemy.orm import Session

from mycovigil.db.base import Base

Row = TypeVar("Row", bound=Base)


def locked(
    session: Session, table: type[Row], identifier: uuid.UUID, *, keys_may_be_read: bool = False
) -> Row | None:
    """The row, or none. An object that the session holds already is read anew: SQLAlchemy's ``get``
    alone would wait for the lock and then decide by what it had loaded before.

    Args:
        keys_may_be_read: others may go on to write rows that point at this one.
    """
    session.flush()
    return session.get(
        table,
        identifier,
        with_for_update={"key_share": keys_may_be_read},
        populate_existing=True,
    )
