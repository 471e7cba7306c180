"""Google Cloud Pub/Sub. ``PUBSUB_EMULATOR_HOST`` is honoured by Google's own client."""

import math
from datetime import timedelta

import structlog
from google.api_core import exceptions
from google.api_core.retry import Retry
from google.cloud import pubsub_v1
from google.protobuf.field_mask_pb2 import FieldMask
from google.pubsub_v1.types import (
    DeadLetterPolicy,
    PubsubMessage,
    ReceivedMessage,
    RetryPolicy,
    Subscription,
)

from mycovigil.events.event import Event, Topic
from mycovigil.events.publisher import Handler, Unavailable
from mycovigil.settings import PublisherSettings

# Made beforehand: Pub/Sub and its emulator drop messages of topics without a subscription.
SUBSCRIPTIONS = ((Topic.ALERTS, "retrain-trigger"), (Topic.DEAD_LETTER, "inspection"))
TIMEOUT = 10.0

log = structlog.get_logger(__name__)


class PubSubPublisher:
    """Ordered by key; dead letters after ``max_delivery_attempts``."""

    def __init__(self, settings: PublisherSettings) -> None:
        self._settings = settings
        self._publisher = pubsub_v1.PublisherClient(
            publisher_options=pubsub_v1.types.PublisherOptions(enable_message_ordering=True)
        )
        self._subscriber = pubsub_v1.SubscriberClient()
        self._kept: dict[str, list[ReceivedMessage]] = {}

    def prepare(self) -> None:
        for topic in Topic:
            self._make_topic(topic)
        for topic, name in SUBSCRIPTIONS:
            self._make_subscription(topic, name)

    def publish(self, topic: Topic, event: Event) -> None:
        body, attributes = event.message()
        path = self._topic(topic)
        future = self._publisher.publish(
            path, body, ordering_key=event.subject, timeout=TIMEOUT, **attributes
        )
        try:
            future.result(timeout=TIMEOUT)
        except Exception:
            self._publisher.resume_publish(path, event.subject)
            raise

    def receive(self, topic: Topic, subscription: str, handler: Handler, *, wait: float) -> int:
        path = self._subscription(topic, subscription)
        waiting = self._kept.pop(path, None) or self._pulled(path, wait)
        handled = 0
        for number, received in enumerate(waiting):
            try:
                done = self._handled(received.message, handler)
            except Unavailable:
                self._keep(path, waiting[number:])
                raise
            if done:
                self._subscriber.acknowledge(
                    subscription=path, ack_ids=[received.ack_id], timeout=TIMEOUT
                )
            else:
                pause = self._settings.backoff.seconds(received.delivery_attempt)
                self._extend(path, [received], math.ceil(pause))
            handled += done
        return handled

    def close(self) -> None:
        self._publisher.stop()
        self._publisher.transport.close()
        self._subscriber.close()

    def _pulled(self, path: str, wait: float) -> list[ReceivedMessage]:
        try:
            response = self._subscriber.pull(
                subscription=path, max_messages=10, timeout=wait, retry=Retry(deadline=wait)
            )
        except (exceptions.DeadlineExceeded, exceptions.RetryError):
            return []
        return list(response.received_messages)

    def _keep(self, path: str, messages: list[ReceivedMessage]) -> None:
        """Keep them past their deadline: a lapse would count as an attempt."""
        self._kept[path] = messages
        self._extend(path, messages, self._settings.ack_deadline)

    def _extend(self, path: str, messages: list[ReceivedMessage], seconds: int) -> None:
        """Let them come again after ``seconds``; the retry policy then adds its own wait."""
        self._subscriber.modify_ack_deadline(
            subscription=path,
            ack_ids=[received.ack_id for received in messages],
            ack_deadline_seconds=seconds,
            timeout=TIMEOUT,
        )

    def _handled(self, message: PubsubMessage, handler: Handler) -> bool:
        try:
            handler(Event.from_message(message.data, dict(message.attributes)))
        except Unavailable:
            raise
        except Exception:
            log.exception("event not handled, left for redelivery", message=message.message_id)
            return False
        return True

    def _make_topic(self, topic: Topic) -> None:
        try:
            self._publisher.create_topic(name=self._topic(topic), timeout=TIMEOUT)
        except exceptions.AlreadyExists:
            log.debug("topic exists", topic=topic.value)

    def _make_subscription(self, topic: Topic, name: str) -> None:
        request = Subscription(
            name=self._subscription(topic, name),
            topic=self._topic(topic),
            ack_deadline_seconds=self._settings.ack_deadline,
            # Unordered: our consumers are idempotent by event, an event that cannot be handled
            # must not block its model's later ones, and the emulator (0.8.20) never forwards
            # dead letters of an ordered subscription.
            enable_message_ordering=False,
        )
        longest = self._settings.backoff_max
        if longest:  # without a policy Pub/Sub hands out again at once
            request.retry_policy = RetryPolicy(
                minimum_backoff=timedelta(seconds=min(self._settings.backoff_min, longest)),
                maximum_backoff=timedelta(seconds=longest),
            )
        if topic is not Topic.DEAD_LETTER:
            request.dead_letter_policy = DeadLetterPolicy(
                dead_letter_topic=self._topic(Topic.DEAD_LETTER),
                max_delivery_attempts=self._settings.max_delivery_attempts,
            )
        try:
            self._subscriber.create_subscription(request=request, timeout=TIMEOUT)
        except exceptions.AlreadyExists:
            # One made by an earlier version has no retry policy, or another.
            mask = FieldMask(paths=["retry_policy"])
            self._subscriber.update_subscription(
                subscription=request, update_mask=mask, timeout=TIMEOUT
            )

    def _topic(self, topic: Topic) -> str:
        name = f"{self._settings.topic_prefix}.{topic.value}"
        return f"projects/{self._settings.project}/topics/{name}"

    def _subscription(self, topic: Topic, name: str) -> str:
        full = f"{self._settings.topic_prefix}.{topic.value}.{name}"
        return f"projects/{self._settings.project}/subscriptions/{full}"
