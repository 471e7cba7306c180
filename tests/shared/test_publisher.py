"""Both publishers deliver at least once and bury what cannot be handled."""

import uuid
from collections.abc import Iterator

import pytest

from mycovigil.event import Event, EventType, Topic
from mycovigil.publisher import Publisher
from mycovigil.publisher.pubsub import PubSubPublisher
from mycovigil.publisher.stream import StreamPublisher
from mycovigil.settings import PublisherSettings, RedisSettings

SUBSCRIPTION = "retrain-trigger"


def event(number: int) -> Event:
    return Event(
        type=EventType.ALERT_OPENED, source="/test", subject="model", data={"number": number}
    )


@pytest.fixture(params=["redis", "pubsub"])
def publisher(request: pytest.FixtureRequest) -> Iterator[Publisher]:
    prefix = f"t{uuid.uuid4().hex[:8]}"
    settings = PublisherSettings(
        backend=request.param, project=prefix, topic_prefix=prefix, ack_deadline=10
    )
    made: Publisher
    if request.param == "redis":
        made = StreamPublisher(settings, RedisSettings(url=request.getfixturevalue("redis_url")))
    else:
        request.getfixturevalue("pubsub_emulator")
        made = PubSubPublisher(settings)
    made.prepare()
    yield made
    made.close()


def drain(publisher: Publisher, topic: Topic, name: str, wanted: int) -> list[int]:
    """Numbers of the events received until ``wanted`` have come."""
    seen: list[int] = []

    def keep(received: Event) -> None:
        seen.append(received.data["number"])

    for _ in range(20):
        publisher.receive(topic, name, keep, wait=2)
        if len(seen) >= wanted:
            break
    return seen


def hasten(publisher: Publisher) -> None:
    """Let Redis hand out abandoned entries at once; Pub/Sub does so on a refusal."""
    if isinstance(publisher, StreamPublisher):
        publisher._settings = publisher._settings.model_copy(update={"ack_deadline": 0})


def test_delivers_each_and_not_again_once_acknowledged(publisher: Publisher) -> None:
    publisher.prepare()
    for number in range(3):
        publisher.publish(Topic.ALERTS, event(number))
    assert sorted(drain(publisher, Topic.ALERTS, SUBSCRIPTION, 3)) == [0, 1, 2]
    assert publisher.receive(Topic.ALERTS, SUBSCRIPTION, _refuse, wait=0.3) == 0


def test_an_unhandled_event_comes_again(publisher: Publisher) -> None:
    publisher.publish(Topic.ALERTS, event(7))
    assert publisher.receive(Topic.ALERTS, SUBSCRIPTION, _refuse, wait=2) == 0
    hasten(publisher)
    assert drain(publisher, Topic.ALERTS, SUBSCRIPTION, 1) == [7]


def test_a_hopeless_event_goes_to_the_dead_letters(publisher: Publisher) -> None:
    hasten(publisher)
    publisher.publish(Topic.ALERTS, event(13))
    for _ in range(8):
        publisher.receive(Topic.ALERTS, SUBSCRIPTION, _refuse, wait=1)
    assert drain(publisher, Topic.DEAD_LETTER, "inspection", 1) == [13]


def _refuse(_: Event) -> None:
    raise RuntimeError("not now")
