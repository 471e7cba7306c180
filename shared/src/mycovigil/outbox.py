"""The outbox: an event is a row in the transaction of its cause; the relay publishes it later."""

import datetime
from collections.abc import Callable

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
    """Publish waiting events, oldest first, and mark them; returns how many went out.

    At least once: a crash between publishing and the caller's commit publishes again, and
    consumers are idempotent by event id. Two relays share the work by ``SKIP LOCKED``; a failed
    event keeps its place, holding back later events of the same ordering key.
    """
    waiting = session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.published_at.is_(None))
        .order_by(OutboxMessage.created_at, OutboxMessage.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    blocked: set[str] = set()
    sent = 0
    for message in waiting:
        if message.ordering_key in blocked:
            continue
        message.attempts += 1
        try:
            publish(Topic(message.topic), Event.model_validate(message.event))
        except Exception as error:  # whatever the broker raises, the row stays
            message.last_error = f"{type(error).__name__}: {error}"
            blocked.add(message.ordering_key)
        else:
            message.published_at = datetime.datetime.now(tz=datetime.UTC)
            message.last_error = None
            sent += 1
    return sent
