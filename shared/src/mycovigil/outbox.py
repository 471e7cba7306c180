"""The outbox: an event is a row in the transaction of its cause; the relay publishes it later."""

import datetime
from collections.abc import Callable, Sequence

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from mycovigil.db.message import OutboxMessage
from mycovigil.event import Event, Topic

CHANNEL = "mycovigil_outbox"
"""NOTIFY channel that wakes the relay at commit."""


def add(session: Session, topic: Topic, event: Event) -> None:
    """Write ``event`` in the caller's transaction; it exists if, and only if, that commits."""
    session.add(
        OutboxMessage(
            id=event.id,
            topic=topic.value,
            ordering_key=event.subject,
            event=event.model_dump(mode="json"),
        )
    )
    session.execute(text(f"NOTIFY {CHANNEL}"))


def relay(session: Session, publish: Callable[[Topic, Event], None], *, limit: int = 100) -> int:
    """Publish all waiting events, oldest first, in batches of ``limit``; returns how many went.

    At least once: a crash between publishing and the caller's commit publishes again, and
    consumers are idempotent by event id. Two relays share the work by ``SKIP LOCKED``; a failed
    event keeps its place, holding back later events of the same ordering key.
    """
    blocked: set[str] = set()
    sent = 0
    while waiting := _waiting(session, blocked, limit):
        for message in waiting:
            if message.ordering_key not in blocked:
                if _published(message, publish):
                    sent += 1
                else:
                    blocked.add(message.ordering_key)
        session.flush()
    return sent


def _waiting(session: Session, blocked: set[str], limit: int) -> Sequence[OutboxMessage]:
    """The oldest unpublished rows of keys that no failure blocks, locked for us."""
    return session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.published_at.is_(None), OutboxMessage.ordering_key.not_in(blocked))
        .order_by(OutboxMessage.created_at, OutboxMessage.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()


def _published(message: OutboxMessage, publish: Callable[[Topic, Event], None]) -> bool:
    message.attempts += 1
    try:
        publish(Topic(message.topic), Event.model_validate(message.event))
    except Exception as error:  # whatever the broker raises, the row stays
        message.last_error = f"{type(error).__name__}: {error}"
        return False
    message.published_at = datetime.datetime.now(tz=datetime.UTC)
    message.last_error = None
    return True
