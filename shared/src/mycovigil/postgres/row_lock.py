"""Lock a row until the end of the transaction, and read it under the lock."""

import uuid
from typing import TypeVar

from sqlalchemy.orm import Session

from mycovigil.db.base import Base

Row = TypeVar("Row", bound=Base)


def locked(
    session: Session, table: type[Row], identifier: uuid.UUID, *, keys_may_be_read: bool = False
) -> Row | None:
    """The row, or none. An object that the session has loaded already is read again: SQLAlchemy's
    ``get`` alone would wait for the lock and then return the old values.

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
