"""Pub/Sub that hangs, and an account with few rights: the true error, one delivery, no loop."""

import uuid
from collections.abc import Iterator

import pytest
from factories.pubsub_server import PubSubServer, pubsub_server
from google.api_core.exceptions import GoogleAPICallError
from structlog.testing import capture_logs

from mycovigil.events.event import Event, EventType, Topic
from mycovigil.events.publisher import pubsub
from mycovigil.events.publisher.pubsub import PubSubPublisher
from mycovigil.settings import PublisherSettings


def event() -> Event:
    return Event(type=EventType.ALERT_OPENED, source="/test", subject="model", data={})


@pytest.fixture(params=[False, True], ids=["free", "restricted"])
def server(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PubSubServer]:
    with pubsub_server(restricted=request.param) as made:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{made.port}")
        yield made


@pytest.fixture
def publisher(server: PubSubServer) -> Iterator[PubSubPublisher]:
    made = PubSubPublisher(PublisherSettings(project=f"p{uuid.uuid4().hex[:8]}"))
    yield made
    made.close()


@pytest.mark.parametrize("server", [False], indirect=True)
@pytest.mark.parametrize("margin", [2.0, -0.15], ids=["its call ends first", "we give up first"])
def test_an_event_that_hung_is_delivered_once(
    server: PubSubServer,
    publisher: PubSubPublisher,
    monkeypatch: pytest.MonkeyPatch,
    margin: float,
) -> None:
    monkeypatch.setattr(pubsub, "TIMEOUT", 0.2)
    monkeypatch.setattr(pubsub, "MARGIN", margin)
    waiting = event()
    errors = []
    for _ in range(6):
        with pytest.raises((TimeoutError, GoogleAPICallError)) as raised:
            publisher.publish(Topic.ALERTS, waiting)
        errors.append(f"{type(raised.value).__name__}: {raised.value}")
    assert not any("paused" in error for error in errors)
    assert all("Timeout" in error or "Deadline" in error for error in errors), errors
    server.wait_for_the_end_of_calls()
    server.answers.set()
    monkeypatch.setattr(pubsub, "TIMEOUT", 10.0)
    monkeypatch.setattr(pubsub, "MARGIN", 2.0)
    later = event()
    for one in (waiting, later):
        try:
            publisher.publish(Topic.ALERTS, one)
        except GoogleAPICallError:  # the try that was in flight ended by its own timeout
            publisher.publish(Topic.ALERTS, one)
    assert server.published == [str(waiting.id), str(later.id)]


@pytest.mark.parametrize("server", [True], indirect=True)
def test_an_account_that_may_only_publish_goes_on_and_says_so_once(
    server: PubSubServer, publisher: PubSubPublisher
) -> None:
    server.answers.set()
    with capture_logs() as logs:
        for _ in range(3):
            publisher.prepare()
    resources = [line["resource"] for line in logs]
    assert len(resources) == len(set(resources)) == len(Topic) + len(pubsub.SUBSCRIPTIONS)
    publisher.publish(Topic.ALERTS, event())
    assert len(server.published) == 1
    assert publisher.receive(Topic.ALERTS, "retrain-trigger", lambda _: None, wait=1.0) == 0
