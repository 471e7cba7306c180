"""Google Cloud Pub/Sub. ``PUBSUB_EMULATOR_HOST`` is honoured by Google's own client."""

import math
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
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
# How much longer than its own timeout a call may take to report it.
MARGIN = 2.0
# What this process was not allowed to check, so that each is logged once.
_unchecked: set[str] = set()

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
        self._in_flight: dict[uuid.UUID, Future[str]] = {}

    def prepare(self) -> None:
        """Make topics and subscriptions; those that the account may not make are taken to exist."""
        for topic in Topic:
            self._make_topic(topic)
        for topic, name in SUBSCRIPTIONS:
            self._make_subscription(topic, name)

    def publish(self, topic: Topic, event: Event) -> None:
        """Return once Pub/Sub has the event. One whose last try is still in flight is not queued
        again: that try is waited for."""
        future = self._in_flight.pop(event.id, None) or self._sent(topic, event)
        try:
            future.result(timeout=TIMEOUT + MARGIN)
        except TimeoutError:
            self._in_flight[event.id] = future
            raise
        except Exception:
            with suppress(RuntimeError):  # the key is not paused: nothing to resume
                self._publisher.resume_publish(self._topic(topic), event.subject)
            raise

    def _sent(self, topic: Topic, event: Event) -> Future[str]:
        """``retry=None``: under an ordering key the client would retry without limit, beside us."""
        body, attributes = event.message()
        future: Future[str] = self._publisher.publish(
            self._topic(topic),
            body,
            ordering_key=event.subject,
            retry=None,
            timeout=TIMEOUT,
            **attributes,
        )
        return future

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
        path = self._topic(topic)
        _if_allowed(path, lambda: self._publisher.create_topic(name=path, timeout=TIMEOUT))

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
        made = _if_allowed(
            request.name,
            lambda: self._subscriber.create_subscription(request=request, timeout=TIMEOUT),
        )
        if not made:  # one made by an earlier version has no retry policy, or another
            mask = FieldMask(paths=["retry_policy"])
            _if_allowed(
                request.name,
                lambda: self._subscriber.update_subscription(
                    subscription=request, update_mask=mask, timeout=TIMEOUT
                ),
            )

    def _topic(self, topic: Topic) -> str:
        name = f"{self._settings.topic_prefix}.{topic.value}"
        return f"projects/{self._settings.project}/topics/{name}"

    def _subscription(self, topic: Topic, name: str) -> str:
        full = f"{self._settings.topic_prefix}.{topic.value}.{name}"
        return f"projects/{self._settings.project}/subscriptions/{full}"


def _if_allowed(path: str, change: Callable[[], object]) -> bool:
    """Whether the change was made; not where the resource exists, nor where this account may only
    publish or subscribe (topics made by Terraform), which is logged once."""
    try:
        change()
    except exceptions.AlreadyExists:
        return False
    except exceptions.PermissionDenied:
        if path not in _unchecked:
            _unchecked.add(path)
            log.warning("not allowed to make or check, taken to exist", resource=path)
        return False
    return True
