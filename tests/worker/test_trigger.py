"""From alert to retrain job: exactly once, through the real brokers."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from factories.incident import alert_of, make_incident
from factories.label import make_labelled_night
from factories.night import make_served
from factories.report import make_report
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from mycovigil.backoff import Backoff
from mycovigil.db.alert import Alert, Incident, Silence
from mycovigil.db.base import new_id
from mycovigil.db.message import InboxMessage, OutboxMessage
from mycovigil.db.model import Model
from mycovigil.db.report import ReportVerdict
from mycovigil.db.retrain import RetrainJob
from mycovigil.events.event import Event, Topic
from mycovigil.events.outbox import Sweep
from mycovigil.events.publisher import Handler, Publisher, publisher_of
from mycovigil.events.publisher.stream import StreamPublisher
from mycovigil.incidents import incident
from mycovigil.settings import TrainingSettings
from mycovigil_worker import state as worker_state
from mycovigil_worker import tasks, tick
from mycovigil_worker.retrain import retrain_queue, trigger
from mycovigil_worker.state import State


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Jobs handed to Celery; the broker's side is Celery's own business."""
    jobs: list[object] = []

    def send(_state: State, job: object) -> bool:
        jobs.append(job)
        return True

    monkeypatch.setattr(retrain_queue, "send", send)
    return jobs


def opened(state: State) -> Event:
    """An incident with its alert and labels to learn from; the event that the outbox holds."""
    with state.sessions.begin() as session:
        served = make_served(session, rows=1)
        make_labelled_night(session, served)
        report = make_report(session, served.model, served.reference, verdict=ReportVerdict.DRIFT)
        alert_of(session, make_incident(session, report))
        return Event.model_validate(session.scalars(select(OutboxMessage.event)).one())


def counts(state: State) -> tuple[int, int]:
    """Inbox rows and retrain jobs."""
    with state.sessions() as session:
        tables = (InboxMessage, RetrainJob)
        found = [session.scalar(select(func.count()).select_from(table)) for table in tables]
    return int(found[0] or 0), int(found[1] or 0)


def deliver(publisher: Publisher, state: State, events: int) -> None:
    """Receive until so many deliveries were handled."""
    handled = 0
    while handled < events:
        handled += publisher.receive(
            Topic.ALERTS, trigger.SUBSCRIPTION, lambda event: trigger.handle(state, event), wait=5
        )


def test_a_duplicate_delivery_makes_one_job(state: State, sent: list[object]) -> None:
    event = opened(state)
    publisher = StreamPublisher(state.settings.publisher, state.settings.redis)
    publisher.prepare()
    publisher.publish(Topic.ALERTS, event)
    publisher.publish(Topic.ALERTS, event)
    deliver(publisher, state, events=2)
    publisher.close()
    assert counts(state) == (1, 1)
    assert len(sent) == 1


def test_the_outbox_reaches_the_trigger_through_pubsub(
    state: State, sent: list[object], pubsub_emulator: str
) -> None:
    opened(state)
    settings = state.settings.model_copy(
        update={"publisher": state.settings.publisher.model_copy(update={"backend": "pubsub"})}
    )
    publisher = publisher_of(settings)
    publisher.prepare()
    with state.sessions.begin() as session:
        assert Sweep(publisher.publish).batch(session)
    deliver(publisher, state, events=1)
    publisher.close()
    assert counts(state) == (1, 1)
    assert len(sent) == 1


def test_a_second_alert_of_the_incident_makes_no_second_job(
    state: State, sent: list[object]
) -> None:
    event = opened(state)
    trigger.handle(state, event)
    escalated = Event(
        type="dev.mycovigil.alert.escalated",
        source=event.source,
        subject=event.subject,
        data=event.data | {"kind": "escalated"},
    )
    trigger.handle(state, escalated)
    assert counts(state) == (2, 1)
    assert len(sent) == 1


def test_a_resolved_incident_is_recorded_and_asks_for_nothing(
    state: State, sent: list[object]
) -> None:
    opened(state)
    with state.sessions.begin() as session:
        incident.resolve(session, session.scalars(select(Incident)).one(), resolution="by hand")
    with state.sessions() as session:
        events = session.scalars(select(OutboxMessage.event)).all()
    resolved = [e for e in map(Event.model_validate, events) if e.type.value.endswith("resolved")]
    trigger.handle(state, resolved[0])
    assert counts(state) == (1, 0)
    assert sent == []


def test_an_alert_that_nobody_heard_gets_its_job_from_the_tick(state: State) -> None:
    opened(state)
    fired = datetime.now(tz=UTC)
    assert retrain_queue.create_missing(state, now=fired) == [], "its message may be on its way"
    made = retrain_queue.create_missing(state, now=fired + timedelta(hours=2))
    assert retrain_queue.create_missing(state, now=fired + timedelta(hours=2)) == []
    with state.sessions() as session:
        job = session.scalars(select(RetrainJob)).one()
        alert = session.scalars(select(Alert)).one()
    assert made == [job.id]
    assert job.incident_id == alert.incident_id
    assert job.requested_by == f"alert {alert.id}"
    assert job.parameters == {"cause": "novel_species", "report_id": str(alert.report_id)}


def test_the_tick_itself_mends_a_lost_alert(
    state: State, sent: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(state)
    with state.sessions.begin() as session:
        long_ago = datetime.now(tz=UTC) - timedelta(hours=2)
        session.execute(update(Alert).values(created_at=long_ago))
    drift = state.settings.drift.model_copy(update={"catch_up_periods": 1})
    brief = replace(state, settings=state.settings.model_copy(update={"drift": drift}))
    monkeypatch.setattr(worker_state, "process_state", lambda: brief)
    tasks.nightly()
    assert counts(state) == (0, 1)
    assert len(sent) == 1


@pytest.mark.parametrize("why", ["silenced", "resolved", "archived"])
def test_an_incident_that_asks_for_no_retrain_gets_none(state: State, why: str) -> None:
    opened(state)
    with state.sessions.begin() as session:
        standing = session.scalars(select(Incident)).one()
        if why == "silenced":
            session.execute(update(Alert).values(event_id=None))
        elif why == "resolved":
            incident.resolve(session, standing, resolution="by hand")
        else:
            session.execute(update(Model).values(status="archived"))
    later = datetime.now(tz=UTC) + timedelta(hours=2)
    assert retrain_queue.create_missing(state, now=later) == []


@pytest.mark.parametrize("why", ["resolved", "archived"])
def test_an_alert_that_comes_after_the_end_starts_no_retrain(
    state: State, sent: list[object], why: str
) -> None:
    """The broker was away for a day; meanwhile the nights were calm, or another model serves."""
    event = opened(state)
    with state.sessions.begin() as session:
        if why == "resolved":
            standing = session.scalars(select(Incident)).one()
            incident.resolve(session, standing, resolution="calm again")
        else:
            session.execute(update(Model).values(status="archived"))
    trigger.handle(state, event)
    assert counts(state) == (1, 0)
    assert sent == []


def test_an_incident_that_outlasts_its_silence_gets_its_retrain(
    state: State, sent: list[object]
) -> None:
    now = datetime.now(tz=UTC)
    silence = Silence(
        id=new_id(), model_id=None, starts_at=now - timedelta(days=1),
        ends_at=now + timedelta(days=1), reason="holiday", created_by="test",
    )  # fmt: skip
    with state.sessions.begin() as session:
        session.add(silence)
        served = make_served(session, rows=1)
        report = make_report(session, served.model, served.reference, verdict=ReportVerdict.DRIFT)
        incident.respond(session, report)
    tick.run(state, now)
    with state.sessions.begin() as session:
        assert session.scalars(select(OutboxMessage)).all() == []
        session.execute(update(Silence).values(ends_at=now))
    tick.run(state, now)
    with state.sessions() as session:
        event = Event.model_validate(session.scalars(select(OutboxMessage.event)).one())
    trigger.handle(state, event)
    assert counts(state) == (1, 1)


def test_a_broker_that_is_away_is_tried_again(
    state: State, sent: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    event = opened(state)
    monkeypatch.setattr(trigger, "BACKOFF", Backoff(0.01, 0.01))
    stop = threading.Event()
    publisher = _Unsteady(state, stop, event)
    trigger.listen(state, publisher, stop)
    assert publisher.prepared == 2
    assert counts(state) == (1, 1)


def test_a_database_that_is_away_costs_no_alert(
    state: State, sent: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    event = opened(state)
    publisher = StreamPublisher(state.settings.publisher, state.settings.redis)
    publisher.publish(Topic.ALERTS, event)
    stop, real, tries = threading.Event(), trigger.record, []

    def unsteady(
        session: Session, training: TrainingSettings, received: Event
    ) -> RetrainJob | None:
        tries.append(received.id)
        if len(tries) <= 3 * state.settings.publisher.max_delivery_attempts:
            raise OperationalError("SELECT 1", {}, ConnectionRefusedError("no Postgres here"))
        stop.set()
        return real(session, training, received)

    monkeypatch.setattr(trigger, "record", unsteady)
    monkeypatch.setattr(trigger, "BACKOFF", Backoff(0.001, 0.001))
    trigger.listen(state, publisher, stop)
    publisher.close()
    assert counts(state) == (1, 1)
    assert set(tries) == {event.id}
    assert len(sent) == 1


class _Unsteady:
    """A broker that fails once before it delivers, then tells the listener to stop."""

    def __init__(self, state: State, stop: threading.Event, event: Event) -> None:
        self._real = StreamPublisher(state.settings.publisher, state.settings.redis)
        self._stop = stop
        self._event = event
        self.prepared = 0

    def prepare(self) -> None:
        self.prepared += 1
        if self.prepared == 1:
            raise ConnectionError("no route to the broker")
        self._real.publish(Topic.ALERTS, self._event)

    def publish(self, topic: Topic, event: Event) -> None:
        self._real.publish(topic, event)

    def receive(self, topic: Topic, subscription: str, handler: Handler, *, wait: float) -> int:
        handled = self._real.receive(topic, subscription, handler, wait=wait)
        self._stop.set()
        return handled

    def close(self) -> None:
        self._real.close()
