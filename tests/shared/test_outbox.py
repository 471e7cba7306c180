"""The outbox publishes after commit, at least once, in order by key."""

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from mycovigil.db.base import new_id
from mycovigil.db.message import OutboxMessage
from mycovigil.events import inbox, outbox
from mycovigil.events.event import Event, EventType, Topic
from mycovigil.events.outbox import Sweep


def event(subject: str, number: int) -> Event:
    return Event(
        type=EventType.ALERT_OPENED, source="/test", subject=subject, data={"number": number}
    )


class Broker:
    """Remembers what it was given; refuses the subjects it is told to."""

    def __init__(self, refused: set[str] | None = None) -> None:
        self.refused = refused or set()
        self.seen: list[tuple[str, int]] = []

    def publish(self, topic: Topic, event: Event) -> None:
        assert topic is Topic.ALERTS
        if event.subject in self.refused:
            raise ConnectionError("broker away")
        self.seen.append((event.subject, event.data["number"]))


def fill(session: Session, *subjects: str) -> None:
    for number, subject in enumerate(subjects):
        outbox.add(session, Topic.ALERTS, event(subject, number))
    session.flush()


def swept(session: Session, broker: Broker, limit: int = 100) -> int:
    """How many events one pass published."""
    sweep = Sweep(broker.publish, limit)
    while sweep.batch(session):
        pass
    return len(sweep.published)


def test_events_go_out_once_in_order(session: Session) -> None:
    fill(session, "a", "b", "a")
    broker = Broker()
    assert swept(session, broker) == 3
    assert swept(session, broker) == 0
    assert broker.seen == [("a", 0), ("b", 1), ("a", 2)]


def test_a_failed_event_waits_and_holds_back_its_key_only(session: Session) -> None:
    fill(session, "a", "b", "a")
    broker = Broker(refused={"a"})
    assert swept(session, broker) == 1
    waiting = session.scalars(
        select(OutboxMessage).where(OutboxMessage.published_at.is_(None)).order_by(OutboxMessage.id)
    ).all()
    assert [message.attempts for message in waiting] == [1, 0]
    assert waiting[0].last_error == "ConnectionError: broker away"
    broker.refused.clear()
    assert swept(session, broker) == 2
    assert broker.seen == [("b", 1), ("a", 0), ("a", 2)]


def test_a_stuck_key_longer_than_a_batch_holds_nobody_else_back(session: Session) -> None:
    fill(session, "a", "a", "a", "b")
    broker = Broker(refused={"a"})
    assert swept(session, broker, limit=2) == 1
    assert broker.seen == [("b", 3)]


def test_a_batch_that_takes_long_is_cut_short(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Postgres would end a transaction in which a broker hangs for one event after the other."""
    monkeypatch.setattr(outbox, "BATCH_SECONDS", 0.0)
    fill(session, "a", "b", "c")
    broker = Broker(refused={"a", "b"})
    sweep = Sweep(broker.publish)
    tried = []
    while sweep.batch(session):
        tried.append((len(sweep.failures), len(sweep.published)))
    assert tried == [(1, 0), (2, 0), (2, 1)]


def test_an_event_that_cannot_be_read_waits_and_holds_nobody_back(session: Session) -> None:
    fill(session, "a", "a")
    first = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).all()[0]
    first.event = first.event | {"type": "dev.mycovigil.of.a.newer.version"}
    session.flush()
    broker = Broker()
    sweep = Sweep(broker.publish, limit=1)
    while sweep.batch(session):
        pass
    assert broker.seen == [("a", 1)]
    assert [topic for topic, _ in sweep.failures] == ["alerts"]
    assert first.published_at is None
    assert "newer.version" in (first.last_error or "")
    first.event = first.event | {"type": EventType.ALERT_OPENED}
    assert swept(session, broker) == 1


def test_the_later_word_goes_out_later_whichever_transaction_began_first(
    clean_database: str, engine: Engine
) -> None:
    with Session(engine) as slow, Session(engine) as quick:
        slow.execute(text("SELECT 1"))
        fill(quick, "a")
        quick.commit()
        outbox.add(slow, Topic.ALERTS, event("a", 1))
        slow.commit()
        broker = Broker()
        swept(quick, broker)
    assert broker.seen == [("a", 0), ("a", 1)]


def test_inbox_takes_an_event_once_a_consumer(session: Session) -> None:
    identifier = new_id()
    assert inbox.first_time(session, "one", identifier)
    assert not inbox.first_time(session, "one", identifier)
    assert inbox.first_time(session, "two", identifier)


def test_event_survives_its_message() -> None:
    sent = event("model-1", 3)
    assert Event.from_message(*sent.message()) == sent


def test_a_foreign_message_is_refused() -> None:
    with pytest.raises(ValueError, match="validation error"):
        Event.from_message(b"{}", {"ce-type": "somebody.else"})
