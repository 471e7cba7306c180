"""The outbox relay on real Postgres: after the commit, at least once, in order per key."""

import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, sessionmaker

from mycovigil.db.message import OutboxMessage
from mycovigil.events import outbox
from mycovigil.events.event import Event, EventType, Topic
from mycovigil.events.outbox import Sweep
from mycovigil.events.publisher import Handler
from mycovigil.events.publisher.stream import StreamPublisher
from mycovigil.settings import DriftSettings, Settings
from mycovigil_drift.metrics import Metrics
from mycovigil_drift.relay import Relay

PATIENCE = 90.0


class Recorder:
    """A publisher in memory: records, and fails while ``broken`` says so."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.broken: Callable[[Event], bool] = lambda _: False
        self.prepared = threading.Event()
        self._changed = threading.Condition()

    def prepare(self) -> None:
        self.prepared.set()

    def publish(self, topic: Topic, event: Event) -> None:
        with self._changed:
            if self.broken(event):
                self._changed.notify_all()
                raise ConnectionError("the broker is away")
            self.events.append(event)
            self._changed.notify_all()

    def receive(self, topic: Topic, subscription: str, handler: Handler, *, wait: float) -> int:
        raise AssertionError("the relay receives nothing")

    def close(self) -> None:
        """Nothing is open."""

    def wait_for(self, count: int) -> list[Event]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.events) >= count, PATIENCE)
            return list(self.events)

    def wait_until(self, happened: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(happened, PATIENCE)


def _event(subject: str, number: int) -> Event:
    return Event(
        type=EventType.MODEL_PROMOTED,
        source="/tests",
        subject=subject,
        data={"number": number},
    )


@pytest.fixture
def sessions(clean_database: str, engine: Engine) -> sessionmaker[Session]:
    return sessionmaker(engine, expire_on_commit=False)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def make_relay(
    settings: Settings, sessions: sessionmaker[Session], recorder: Recorder
) -> Iterator[Callable[[float], Relay]]:
    made: list[Relay] = []

    def make(poll: float) -> Relay:
        chosen = settings.model_copy(update={"drift": DriftSettings(relay_seconds=poll)})
        made.append(Relay(chosen, sessions, lambda _: recorder, Metrics()))
        return made[-1]

    yield make
    for relay in made:
        relay.stop()
        assert not relay.health.alive


def _waiting(sessions: sessionmaker[Session]) -> list[OutboxMessage]:
    with sessions() as session:
        return list(
            session.scalars(select(OutboxMessage).where(OutboxMessage.published_at.is_(None)))
        )


def test_an_event_goes_out_when_its_transaction_commits_and_not_before(
    make_relay: Callable[[float], Relay], sessions: sessionmaker[Session], recorder: Recorder
) -> None:
    make_relay(3_600).start()  # it never polls: only NOTIFY at commit can wake it
    with sessions.begin() as session:
        outbox.add(session, Topic.MODELS, _event("first", 0))
    recorder.wait_for(1)
    with sessions() as session:
        outbox.add(session, Topic.MODELS, _event("rolled back", 0))
        session.flush()
        session.rollback()
    with sessions.begin() as session:
        outbox.add(session, Topic.MODELS, _event("second", 0))
    assert [event.subject for event in recorder.wait_for(2)] == ["first", "second"]


def test_what_waited_before_the_start_goes_out_in_order(
    make_relay: Callable[[float], Relay], sessions: sessionmaker[Session], recorder: Recorder
) -> None:
    for number in range(250):
        with sessions.begin() as session:
            outbox.add(session, Topic.MODELS, _event(f"model {number % 3}", number))
    make_relay(0.05).start()
    events = recorder.wait_for(250)
    for key in range(3):
        numbers = [event.data["number"] for event in events if event.subject == f"model {key}"]
        assert numbers == sorted(numbers)
    assert len({event.id for event in events}) == 250


def test_a_failing_broker_loses_nothing_and_keeps_the_order_of_its_key(
    make_relay: Callable[[float], Relay], sessions: sessionmaker[Session], recorder: Recorder
) -> None:
    refused: list[Event] = []

    def broken(event: Event) -> bool:
        if event.subject == "stuck" and len(refused) < 3:
            refused.append(event)
            return True
        return False

    recorder.broken = broken
    with sessions.begin() as session:
        for number in range(3):
            outbox.add(session, Topic.MODELS, _event("stuck", number))
            session.flush()
        outbox.add(session, Topic.MODELS, _event("free", 0))
    make_relay(0.02).start()
    events = recorder.wait_for(4)
    assert events[0].subject == "free"
    assert [event.data["number"] for event in events[1:]] == [0, 1, 2]
    assert [event.data["number"] for event in refused] == [0, 0, 0]


def test_a_failure_is_kept_with_the_row_and_in_the_health(
    make_relay: Callable[[float], Relay], sessions: sessionmaker[Session], recorder: Recorder
) -> None:
    recorder.broken = lambda _: True
    with sessions.begin() as session:
        outbox.add(session, Topic.MODELS, _event("stuck", 0))
    relay = make_relay(0.02)
    relay.start()
    recorder.wait_until(lambda: bool(relay.health.problem))
    assert relay.health.problem == "ConnectionError: the broker is away"
    relay.stop()
    [row] = _waiting(sessions)
    assert row.attempts >= 1
    assert row.last_error == "ConnectionError: the broker is away"


def test_a_backlog_is_committed_batch_by_batch(
    sessions: sessionmaker[Session], settings: Settings, recorder: Recorder
) -> None:
    """What a crash publishes again is one batch, however much was waiting."""
    with sessions.begin() as session:
        for number in range(5):
            outbox.add(session, Topic.MODELS, _event("many", number))
    relay = Relay(settings, sessions, lambda _: recorder, Metrics())
    waiting: list[int] = []

    def count(_: Event) -> bool:
        waiting.append(len(_waiting(sessions)))
        return False

    recorder.broken = count
    relay.drain(Sweep(recorder.publish, limit=2))
    assert waiting == [5, 5, 3, 3, 1]


def test_a_crash_between_publishing_and_commit_publishes_again(
    sessions: sessionmaker[Session], settings: Settings, recorder: Recorder
) -> None:
    with sessions.begin() as session:
        outbox.add(session, Topic.MODELS, _event("twice", 0))
    with sessions() as session:
        assert Sweep(recorder.publish).batch(session)
        session.rollback()  # the process died here
    relay = Relay(settings, sessions, lambda _: recorder, Metrics())
    relay.drain(Sweep(recorder.publish))
    assert recorder.events[0].id == recorder.events[1].id
    assert _waiting(sessions) == []


def test_a_database_outage_is_survived(
    make_relay: Callable[[float], Relay],
    sessions: sessionmaker[Session],
    recorder: Recorder,
    server_connection: psycopg.Connection[tuple[object, ...]],
) -> None:
    make_relay(3_600).start()
    with sessions.begin() as session:
        outbox.add(session, Topic.MODELS, _event("before", 0))
        name = session.connection().exec_driver_sql("SELECT current_database()").scalar_one()
    recorder.wait_for(1)
    recorder.prepared.clear()
    server_connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = %s AND pid <> pg_backend_pid()",
        (name,),
    )
    assert recorder.prepared.wait(PATIENCE)
    sessions.kw["bind"].dispose()
    with sessions.begin() as session:
        outbox.add(session, Topic.MODELS, _event("after", 0))
    # "before" may come twice: its publishing may not have been committed yet.
    recorder.wait_until(lambda: recorder.events[-1].subject == "after")


def test_of_two_relays_one_stands_by_and_takes_over(
    make_relay: Callable[[float], Relay], sessions: sessionmaker[Session], recorder: Recorder
) -> None:
    first, second = make_relay(0.02), make_relay(0.02)
    first.start()
    with sessions.begin() as session:
        outbox.add(session, Topic.MODELS, _event("one", 0))
    recorder.wait_for(1)
    second.start()
    assert first.health.leading
    with sessions.begin() as session:
        outbox.add(session, Topic.MODELS, _event("two", 0))
    recorder.wait_for(2)
    assert not second.health.leading
    first.stop()
    with sessions.begin() as session:
        outbox.add(session, Topic.MODELS, _event("three", 0))
    assert len(recorder.wait_for(3)) == 3
    assert second.health.leading


def test_events_reach_a_real_broker(settings: Settings, sessions: sessionmaker[Session]) -> None:
    event = _event("real", 7)
    with sessions.begin() as session:
        outbox.add(session, Topic.MODELS, event)
    publisher = StreamPublisher(settings.publisher, settings.redis)
    relay = Relay(settings, sessions, lambda _: publisher, Metrics())
    relay.drain(Sweep(publisher.publish))
    received: list[Event] = []
    assert publisher.receive(Topic.MODELS, "tests", received.append, wait=5) == 1
    publisher.close()
    assert received == [event]
