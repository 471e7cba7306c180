"""Redis Streams with consumer groups: the publisher where no Pub/Sub is installed."""

import json
import socket
from typing import Any, cast

import redis
import structlog

from mycovigil.event import Event, Topic
from mycovigil.publisher import Handler
from mycovigil.settings import PublisherSettings, RedisSettings

log = structlog.get_logger(__name__)
Entry = tuple[bytes, dict[bytes, bytes]]


class StreamPublisher:
    """One stream a topic, one consumer group a subscription; pending entries are claimed again
    after the ack deadline, and moved to the dead-letter stream after too many deliveries."""

    def __init__(self, settings: PublisherSettings, broker: RedisSettings) -> None:
        self._settings = settings
        self._redis = redis.Redis.from_url(broker.url.get_secret_value())
        self._consumer = socket.gethostname()

    def prepare(self) -> None:
        self._redis.ping()

    def publish(self, topic: Topic, event: Event) -> None:
        body, attributes = event.message()
        fields: dict[Any, Any] = {"body": body, "attributes": json.dumps(attributes)}
        self._redis.xadd(self._stream(topic), fields)

    def receive(self, topic: Topic, subscription: str, handler: Handler, *, wait: float) -> int:
        stream = self._stream(topic)
        self._make_group(stream, subscription)
        entries = self._abandoned(stream, subscription) + self._fresh(stream, subscription, wait)
        return sum(self._deliver(stream, subscription, entry, handler) for entry in entries)

    def close(self) -> None:
        self._redis.close()

    def _make_group(self, stream: str, group: str) -> None:
        try:
            self._redis.xgroup_create(stream, group, id="0", mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    def _abandoned(self, stream: str, group: str) -> list[Entry]:
        claimed = self._redis.xautoclaim(
            stream, group, self._consumer, min_idle_time=self._settings.ack_deadline * 1000
        )
        return cast("list[Entry]", claimed[1])

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
