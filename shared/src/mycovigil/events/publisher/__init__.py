"""Where events go: Google Pub/Sub (or its emulator), or Redis Streams where there is none."""

from collections.abc import Callable
from typing import Protocol

from mycovigil.events.event import Event, Topic
from mycovigil.settings import Settings

# Handles one event; an exception means "deliver it again", :class:`Unavailable` "not now".
Handler = Callable[[Event], None]


class Unavailable(Exception):
    """Raised by a handler that cannot work at the moment (its database is away). The event is kept
    without counting a delivery, and passed to the handler again by the next ``receive``."""


class Publisher(Protocol):
    """Publishes events and delivers them to named subscriptions, at least once."""

    def prepare(self) -> None:
        """Make topics, subscriptions and the dead-letter policy; safe to run again."""

    def publish(self, topic: Topic, event: Event) -> None:
        """Return once the broker has the event; raise if it has not."""

    def receive(self, topic: Topic, subscription: str, handler: Handler, *, wait: float) -> int:
        """Deliver what is there, waiting up to ``wait`` seconds; returns events handled.

        A handler that raises leaves its event for redelivery after a growing wait, and after the
        set number of attempts for the dead-letter topic.

        Raises:
            Unavailable: raised by the handler; unhandled events are kept for the next call.
        """

    def close(self) -> None: ...


def publisher_of(settings: Settings) -> Publisher:
    """The publisher that the settings choose."""
    if settings.publisher.backend == "redis":
        from mycovigil.events.publisher.stream import StreamPublisher

        return StreamPublisher(settings.publisher, settings.redis)
    from mycovigil.events.publisher.pubsub import PubSubPublisher

    return PubSubPublisher(settings.publisher)
