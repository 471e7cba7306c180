"""Relays under trouble: a Pub/Sub that hangs, two relays whose connections are cut."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from factories.outage import until
from factories.pubsub_server import pubsub_server
from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session, sessionmaker

from mycovigil.db.message import OutboxMessage
from mycovigil.events import outbox
from mycovigil.events.event import Event, EventType, Topic
from mycovigil.events.publisher import Publisher, pubsub
from mycovigil.events.publisher.pubsub import PubSubPublisher
from mycovigil.postgres import timeouts
from mycovigil.postgres.engine import engine_of, sessions_of
from mycovigil.settings import Settings
from mycovigil_drift.metrics import Metrics
from mycovigil_drift.relay import Relay

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE application_name = 'mycovigil-relay' AND datname = current_database()"
)


class Recorder:
    """A broker in memory that remembers what came, in order."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._lock = threading.Lock()

    def prepare(self) -> None: ...

    def close(self) -> None: ...

    def publish(self, _topic: Topic, event: Event) -> None:
        with self._lock:
            self.events.append(event)

    def receive(self, *_: object, **__: object) -> int:
        raise AssertionError("the relay receives nothing")


@pytest.fixture
def sessions(clean_database: str, engine: Engine) -> sessionmaker[Session]:
    return sessionmaker(engine, expire_on_commit=False)


@contextmanager
def relay(
    settings: Settings,
    sessions: sessionmaker[Session],
    publisher: Callable[[Settings], Publisher],
) -> Iterator[Relay]:
    drift = settings.drift.model_copy(update={"relay_seconds": 0.1})
    made = Relay(settings.model_copy(update={"drift": drift}), sessions, publisher, Metrics())
    made.start()
    try:
        yield made
    finally:
        made.stop(60)


@contextmanager
def disposing(engine: Engine) -> Iterator[None]:
    yield
    engine.dispose()


def write(sessions: sessionmaker[Session], count: int, keys: int) -> list[str]:
    """Events of several ordering keys, a transaction each; their ids."""
    written = []
    for number in range(count):
        event = Event(
            type=EventType.MODEL_PROMOTED,
            source="/tests",
            subject=f"key {number % keys}",
            data={"number": number},
        )
        with sessions.begin() as session:
            outbox.add(session, Topic.MODELS, event)
        written.append(str(event.id))
    return written


def waiting(sessions: sessionmaker[Session]) -> int:
    unpublished = select(func.count()).where(OutboxMessage.published_at.is_(None))
    with sessions() as session:
        return session.scalar(unpublished) or 0


def tried(sessions: sessionmaker[Session]) -> int:
    """How often the first event of every key was tried, at least."""
    firsts = select(func.max(OutboxMessage.attempts)).group_by(OutboxMessage.ordering_key)
    with sessions() as session:
        return min(session.scalars(firsts))


def test_pubsub_hangs_and_comes_back(
    settings: Settings,
    clean_database: str,
    monkeypatch: pytest.MonkeyPatch,
    tell: Callable[..., None],
) -> None:
    """Longer for all events than Postgres lets a transaction idle, which held no more than one."""
    monkeypatch.setattr(pubsub, "TIMEOUT", 0.5)
    monkeypatch.setattr(outbox, "BATCH_SECONDS", 0.2)
    monkeypatch.setattr(timeouts, "IDLE_SECONDS", 2)
    impatient = engine_of(settings.database, seconds=2)
    sessions = sessions_of(impatient)
    written = write(sessions, 20, keys=10)
    with disposing(impatient), pubsub_server() as server:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{server.port}")
        with relay(settings, sessions, lambda one: PubSubPublisher(one.publisher)) as running:
            until(lambda: tried(sessions) >= 2)
            problem = running.health.problem
            monkeypatch.setattr(pubsub, "TIMEOUT", 10.0)
            server.answers.set()
            until(lambda: waiting(sessions) == 0)
        counts = Counter(server.published)
    tell(
        "Pub/Sub hangs for two sweeps",
        events=len(written),
        lost=len(set(written) - set(counts)),
        delivered_again=sum(counts.values()) - len(counts),
    )
    assert set(counts) == set(written)
    assert "Deadline" in problem or "Timeout" in problem
    assert max(counts.values()) <= 2


def test_two_relays_whose_connections_are_cut(
    settings: Settings, sessions: sessionmaker[Session], tell: Callable[..., None]
) -> None:
    recorder = Recorder()
    cuts = 0
    with ExitStack() as both:
        for _ in range(2):
            both.enter_context(relay(settings, sessions, lambda _: recorder))
        written: list[str] = []
        for _ in range(10):
            written += write(sessions, 30, keys=3)
            with sessions.begin() as session:
                cuts += len(session.execute(text(CUT)).all())
        until(lambda: waiting(sessions) == 0)
    first = list(dict.fromkeys(str(event.id) for event in recorder.events))
    tell(
        "two relays, their connections cut",
        events=len(written),
        cuts=cuts,
        lost=len(set(written) - set(first)),
        published_again=len(recorder.events) - len(first),
    )
    assert set(first) == set(written)
    assert first == sorted(first)  # in the order of writing, apart from repetitions
    assert cuts >= 10
