"""Both publishers deliver at least once and bury what cannot be handled."""

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from factories.valkey_server import valkey

from mycovigil.events.event import Event, EventType, Topic
from mycovigil.events.publisher import Publisher, Unavailable, stream
from mycovigil.events.publisher.pubsub import PubSubPublisher
from mycovigil.events.publisher.stream import StreamPublisher
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


def drain(
    publisher: Publisher, topic: Topic, name: str, wanted: int, *, tries: int = 20
) -> list[int]:
    """Numbers of the events received until ``wanted`` have come."""
    seen: list[int] = []

    def keep(received: Event) -> None:
        seen.append(received.data["number"])

    for _ in range(tries):
        publisher.receive(topic, name, keep, wait=2)
        if len(seen) >= wanted:
            break
    return seen


def hasten(publisher: Publisher) -> None:
    """Let what was refused or abandoned come again at once."""
    assert isinstance(publisher, StreamPublisher | PubSubPublisher)
    at_once = {"backoff_min": 0, "backoff_max": 0}
    if isinstance(publisher, StreamPublisher):
        at_once["ack_deadline"] = 0
    publisher._settings = publisher._settings.model_copy(update=at_once)
    publisher.prepare()  # a retry policy that changed reaches a subscription that stands


def test_delivers_each_and_not_again_once_acknowledged(publisher: Publisher) -> None:
    publisher.prepare()
    for number in range(3):
        publisher.publish(Topic.ALERTS, event(number))
    assert sorted(drain(publisher, Topic.ALERTS, SUBSCRIPTION, 3)) == [0, 1, 2]
    assert publisher.receive(Topic.ALERTS, SUBSCRIPTION, _refuse, wait=0.3) == 0


def test_an_unhandled_event_comes_again(publisher: Publisher) -> None:
    hasten(publisher)
    publisher.publish(Topic.ALERTS, event(7))
    assert publisher.receive(Topic.ALERTS, SUBSCRIPTION, _refuse, wait=2) == 0
    assert drain(publisher, Topic.ALERTS, SUBSCRIPTION, 1) == [7]


def test_a_hopeless_event_goes_to_the_dead_letters(publisher: Publisher) -> None:
    hasten(publisher)
    publisher.publish(Topic.ALERTS, event(13))
    wait = 0.1 if isinstance(publisher, StreamPublisher) else 1  # Redis knows at once what is due
    for _ in range(8):
        publisher.receive(Topic.ALERTS, SUBSCRIPTION, _refuse, wait=wait)
    assert drain(publisher, Topic.DEAD_LETTER, "inspection", 1) == [13]


def test_a_refused_event_waits_before_it_comes_again(publisher: Publisher) -> None:
    publisher.publish(Topic.ALERTS, event(1))
    calls: list[Event] = []

    def refuse(received: Event) -> None:
        calls.append(received)
        raise RuntimeError("not now")

    for _ in range(3):
        publisher.receive(Topic.ALERTS, SUBSCRIPTION, refuse, wait=0.3)
    assert len(calls) == 1


def test_an_outage_of_the_handler_costs_the_event_no_attempt(publisher: Publisher) -> None:
    for number in range(2):
        publisher.publish(Topic.ALERTS, event(number))
    calls: list[Event] = []

    def away(received: Event) -> None:
        calls.append(received)
        raise Unavailable("the database is away")

    while not calls:
        with contextlib.suppress(Unavailable):
            publisher.receive(Topic.ALERTS, SUBSCRIPTION, away, wait=2)
    for _ in range(10):
        with pytest.raises(Unavailable):
            publisher.receive(Topic.ALERTS, SUBSCRIPTION, away, wait=2)
    assert len({received.id for received in calls}) == 1
    assert sorted(drain(publisher, Topic.ALERTS, SUBSCRIPTION, 2)) == [0, 1]
    assert drain(publisher, Topic.DEAD_LETTER, "inspection", 1, tries=1) == []


def test_waits_double_up_to_ten_minutes() -> None:
    backoff = PublisherSettings().backoff
    waits = [backoff.limit(attempt) for attempt in (0, 1, 2, 3, 6, 7, 99)]
    assert waits == [10, 10, 20, 40, 320, 600, 600]


def _refuse(_: Event) -> None:
    raise RuntimeError("not now")


def test_a_redis_that_is_frozen_gets_no_copy_of_each_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "TIMEOUT", 0.1)
    with valkey(tmp_path) as (url, server):
        publisher = StreamPublisher(PublisherSettings(), RedisSettings(url=url))
        publisher.prepare()
        server.suspend()
        for _ in range(6):
            with pytest.raises(redis.TimeoutError):
                publisher.publish(Topic.ALERTS, event(1))
        server.resume()
        publisher.publish(Topic.ALERTS, event(2))
        numbers = drain(publisher, Topic.ALERTS, SUBSCRIPTION, 2)
        publisher.close()
    assert numbers == [1, 2]
