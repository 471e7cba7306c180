"""The outbox: an event is a row in the transaction of its cause, and published afterwards."""

import datetime
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from mycovigil.db.message import OutboxMessage
from mycovigil.events.event import Event, Topic

# NOTIFY channel that wakes the relay at commit.
CHANNEL = "mycovigil_outbox"
# A batch begins no further event after so long. Postgres ends a transaction in which nothing
# happens for 30 seconds, and a broker that hangs takes 12 of them for each event.
BATCH_SECONDS = 2.0


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


@dataclass(slots=True)
class Sweep:
    """One pass over the waiting events, oldest first, batch by batch.

    At least once: a crash between publishing and the caller's commit publishes that batch again,
    and consumers are idempotent by event id. Events are ordered by their ids, which are times:
    the time of writing, and not that of the transaction's begin.

    An event that the broker does not take delays the later ones of its ordering key. One that
    cannot be read (a newer version wrote it) waits for a process that can, and delays no other.
    """

    publish: Callable[[Topic, Event], None]
    limit: int = 100
    # The topic of each event that went out.
    published: list[str] = field(default_factory=list)
    # Topic and error of each that did not.
    failures: list[tuple[str, str]] = field(default_factory=list)
    _delayed: set[str] = field(default_factory=set)
    _unreadable: set[uuid.UUID] = field(default_factory=set)

    def batch(self, session: Session) -> bool:
        """Publish the next batch in the caller's transaction; false if nothing is left to try.

        One that takes long is cut short: what is left of it belongs to the next batch.
        """
        waiting = self._waiting(session)
        deadline = time.monotonic() + BATCH_SECONDS
        for message in waiting:
            if message.ordering_key not in self._delayed:
                self._try(message)
            if time.monotonic() > deadline:
                break
        session.flush()
        return bool(waiting)

    def _waiting(self, session: Session) -> Sequence[OutboxMessage]:
        return session.scalars(
            select(OutboxMessage)
            .where(
                OutboxMessage.published_at.is_(None),
                OutboxMessage.ordering_key.not_in(self._delayed),
                OutboxMessage.id.not_in(self._unreadable),
            )
            .order_by(OutboxMessage.id)
            .limit(self.limit)
            .with_for_update(skip_locked=True)
        ).all()

    def _try(self, message: OutboxMessage) -> None:
        message.attempts += 1
        try:
            topic, event = Topic(message.topic), Event.model_validate(message.event)
        except ValueError as error:
            self._unreadable.add(message.id)
            self._failed(message, error)
            return
        try:
            self.publish(topic, event)
        except Exception as error:  # whatever the broker raises, the row stays
            self._delayed.add(message.ordering_key)
            self._failed(message, error)
            return
        message.published_at = datetime.datetime.now(tz=datetime.UTC)
        message.last_error = None
        self.published.append(message.topic)

    def _failed(self, message: OutboxMessage, error: Exception) -> None:
        message.last_error = f"{type(error).__name__}: {error}"
        self.failures.append((message.topic, message.last_error))
