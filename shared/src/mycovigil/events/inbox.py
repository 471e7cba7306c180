"""The inbox: an event takes effect once, however often it is delivered."""

import uuid

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mycovigil.db.message import InboxMessage


def first_time(session: Session, consumer: str, event_id: uuid.UUID) -> bool:
    """Record the event for ``consumer`` in the caller's transaction; false if it was there.

    The row commits with the effect, so a crash in between leaves neither.
    """
    inserted = session.execute(
        insert(InboxMessage)
        .values(consumer=consumer, event_id=event_id)
        .on_conflict_do_nothing()
        .returning(InboxMessage.event_id)
    )
    return inserted.first() is not None
