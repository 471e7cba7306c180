"""Redis Streams with consumer groups: the publisher where no Pub/Sub is installed."""

import json
import socket
from typing import Any, cast

import redis
import structlog

from mycovigil.events.event import Event, Topic
from mycovigil.events.publisher import Handler, Unavailable
from mycovigil.settings import PublisherSettings, RedisSettings

log = structlog.get_logger(__name__)
MOST_PENDING = 1000
# Seconds for an answer of the broker; `receive` must wait for less.
TIMEOUT = 10.0
Entry = tuple[bytes, dict[bytes, bytes]]


class StreamPublisher:
    """One stream a topic, one consumer group a subscription; pending entries are claimed again
    after the ack deadline or their growing wait, whichever is longer, and moved to the dead-letter
    stream after too many deliveries."""

    def __init__(self, settings: PublisherSettings, broker: RedisSettings) -> None:
        self._settings = settings
        self._redis = redis.Redis.from_url(
            broker.url.get_secret_value(), socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT
        )
        self._consumer = socket.gethostname()
        self._kept: dict[tuple[str, str], list[Entry]] = {}
        self._in_doubt = False

    def prepare(self) -> None:
        self._redis.ping()

    def publish(self, topic: Topic, event: Event) -> None:
        """Return once the stream has the event. A broker that hangs gets no second copy before it
        answers again: it would carry out, once it goes on, all that its socket holds."""
        body, attributes = event.message()
        fields: dict[Any, Any] = {"body": body, "attributes": json.dumps(attributes)}
        if self._in_doubt:
            self._redis.ping()
        self._in_doubt = True
        self._redis.xadd(self._stream(topic), fields)
        self._in_doubt = False

    def receive(self, topic: Topic, subscription: str, handler: Handler, *, wait: float) -> int:
        stream = self._stream(topic)
        self._make_group(stream, subscription)
        entries = self._kept.pop((stream, subscription), None)
        if not entries:
            due = self._abandoned(stream, subscription)
            entries = [*due, *self._fresh(stream, subscription, 0 if due else wait)]
        handled = 0
        for number, entry in enumerate(entries):
            try:
                handled += self._deliver(stream, subscription, entry, handler)
            except Unavailable:
                self._keep(stream, subscription, entries[number:])
                raise
        return handled

    def close(self) -> None:
        self._redis.close()

    def _make_group(self, stream: str, group: str) -> None:
        try:
            self._redis.xgroup_create(stream, group, id="0", mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    def _abandoned(self, stream: str, group: str) -> list[Entry]:
        pending = cast(
            "list[dict[str, Any]]",
            self._redis.xpending_range(stream, group, "-", "+", MOST_PENDING),
        )
        due = [entry["message_id"] for entry in pending if self._is_due(entry)]
        if not due:
            return []
        idle = self._settings.ack_deadline * 1000
        return cast("list[Entry]", self._redis.xclaim(stream, group, self._consumer, idle, due))

    def _is_due(self, entry: dict[str, Any]) -> bool:
        # By the entry, since every poll asks again: of other jitter the shortest would win.
        pause = self._settings.backoff.seconds(entry["times_delivered"], of=entry["message_id"])
        wanted = max(self._settings.ack_deadline, pause) * 1000
        return int(entry["time_since_delivered"]) >= wanted

    def _keep(self, stream: str, group: str, entries: list[Entry]) -> None:
        """Keep them from other consumers; ``JUSTID`` counts no delivery."""
        self._kept[stream, group] = entries
        ids: list[Any] = [identifier for identifier, _ in entries]
        self._redis.xclaim(stream, group, self._consumer, 0, ids, justid=True)

    def _fresh(self, stream: str, group: str, wait: float) -> list[Entry]:
        read = self._redis.xreadgroup(
            group, self._consumer, {stream: ">"}, count=10, block=max(int(wait * 1000), 1)
        )
        batches = cast("list[tuple[bytes, list[Entry]]]", read or [])
        return [entry for _, entries in batches for entry in entries]

    def _deliver(self, stream: str, group: str, entry: Entry, handler: Handler) -> int:
        identifier, fields = entry
        try:
            handler(Event.from_message(fields[b"body"], json.loads(fields[b"attributes"])))
        except Unavailable:
            raise
        except Exception:
            log.exception("event not handled, left for redelivery", entry=identifier)
            self._bury_if_hopeless(stream, group, entry)
            return 0
        self._redis.xack(stream, group, identifier)
        return 1

    def _bury_if_hopeless(self, stream: str, group: str, entry: Entry) -> None:
        identifier, fields = entry
        pending = cast(
            "list[dict[str, Any]]",
            self._redis.xpending_range(stream, group, identifier, identifier, 1),
        )
        if pending and pending[0]["times_delivered"] >= self._settings.max_delivery_attempts:
            with self._redis.pipeline(transaction=True) as both:
                both.xadd(self._stream(Topic.DEAD_LETTER), cast("dict[Any, Any]", fields))
                both.xack(stream, group, identifier)
                both.execute()

    def _stream(self, topic: Topic) -> str:
        return f"{self._settings.topic_prefix}.{topic.value}"
