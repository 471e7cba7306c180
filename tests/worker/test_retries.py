"""A night that fails is judged again by itself, later each time, before anybody is alerted."""

import datetime
import json
import uuid
from typing import Any

import jsonschema
import pytest
from factories.baseline import make_baseline
from factories.night import FIRST, PERIOD, make_night, make_served, night_of
from sqlalchemy import select, update

from mycovigil.db.alert import Alert, AlertKind, Incident, Silence
from mycovigil.db.base import new_id
from mycovigil.db.message import OutboxMessage
from mycovigil.db.model import Model
from mycovigil.db.report import DriftReport, ReportRequest
from mycovigil.db.retrain import RetrainJob
from mycovigil.events.event import Event, EventType, schema_of
from mycovigil.incidents import alert
from mycovigil.storage import Storage, StorageUnavailable
from mycovigil_worker.days import settling
from mycovigil_worker.judging.judge import Judging
from mycovigil_worker.nights import nightly, requested
from mycovigil_worker.retrain import trigger
from mycovigil_worker.state import State

pytestmark = pytest.mark.usefixtures("brief_pages", "brief_harm")
MORNING = FIRST + PERIOD + datetime.timedelta(hours=1)
# Longer than any wait between two attempts.
LATER = datetime.timedelta(hours=3)


class Crashes:
    """Judging the first night crashes while ``left`` is above zero."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, left: int) -> None:
        self.left = left
        judged = Judging.judged

        def crash(judging: Judging) -> object:
            if judging.spec.window.start == FIRST and self.left > 0:
                self.left -= 1
                raise RuntimeError("a bug")
            return judged(judging)

        monkeypatch.setattr(Judging, "judged", crash)


def nights(state: State, count: int = 1, shift: float = 0.0) -> uuid.UUID:
    with state.sessions.begin() as session:
        served = make_served(session)
        for number in range(count):
            make_night(session, served, night_of(number), shift=shift)
    make_baseline(state)
    return served.model.id


def reports(state: State) -> list[DriftReport]:
    with state.sessions() as session:
        return list(session.scalars(select(DriftReport).order_by(DriftReport.window_end)))


def alerts(state: State) -> list[Alert]:
    with state.sessions() as session:
        return list(session.scalars(select(Alert).order_by(Alert.id)))


def test_a_night_that_crashes_twice_is_judged_and_nobody_was_alerted(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights(state, 2)
    Crashes(monkeypatch, 2)
    for attempt in range(3):
        nightly.run(state, now=MORNING + PERIOD + attempt * LATER)
    assert [(row.verdict, row.origin, row.failures) for row in reports(state)] == [
        ("calm", "nightly", 0),
        ("calm", "nightly", 0),
    ]
    assert reports(state)[0].retry_at is None
    assert alerts(state) == []


def test_a_night_that_always_crashes_alerts_once_and_those_after_it_are_judged_meanwhile(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights(state, 2)
    Crashes(monkeypatch, 1_000)
    most = state.settings.drift.night_attempts
    for attempt in range(1, most):
        nightly.run(state, now=MORNING + PERIOD + attempt * LATER)
        assert [row.verdict for row in reports(state)] == ["failed", "calm"]
        assert reports(state)[0].failures == attempt
        assert alerts(state) == []
    for attempt in range(most, most + 3):
        nightly.run(state, now=MORNING + PERIOD + attempt * LATER)
    failed = reports(state)[0]
    assert (failed.failures, failed.retry_at) == (most, None)
    (found,) = alerts(state)
    assert (found.kind, found.incident_id, found.report_id) == ("night_failed", None, failed.id)
    assert f"in {most} attempts: judging crashed: RuntimeError: a bug" in found.message
    with state.sessions() as session:
        message = session.scalars(select(OutboxMessage)).one()
    event = Event.model_validate(message.event)
    assert (event.type, message.topic, event.id) == (
        EventType.NIGHT_FAILED,
        "alerts",
        found.event_id,
    )
    jsonschema.validate(event.data, json.loads(schema_of(event.type)))
    trigger.handle(state, event)
    with state.sessions() as session:
        assert session.scalars(select(RetrainJob)).all() == []


def test_the_waits_between_attempts_double(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    nights(state)
    Crashes(monkeypatch, 1_000)
    now, waits = MORNING, []
    while True:
        assert len(nightly.run(state, now=now)) == 1
        at = reports(state)[0].retry_at
        if at is None:
            break
        waits.append((at - now).total_seconds())
        assert nightly.run(state, now=at - datetime.timedelta(seconds=1)) == []
        now = at
    assert waits == [600, 1_200, 2_400]


def test_nobody_is_alerted_of_a_model_that_left_production(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights(state)
    Crashes(monkeypatch, 1_000)
    with state.sessions.begin() as session:
        session.execute(update(Model).values(status="archived"))
    for attempt in range(10):
        nightly.run(state, now=MORNING + attempt * LATER)
    assert reports(state)[0].retry_at is None
    assert alerts(state) == []


def test_a_request_in_vain_neither_counts_nor_ends_the_attempts(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = nights(state)
    Crashes(monkeypatch, 1_000)
    nightly.run(state, now=MORNING)
    before = reports(state)[0]
    with state.sessions.begin() as session:
        window = night_of(0)
        session.add(
            ReportRequest(
                id=new_id(),
                model_id=model,
                window_start=window.start,
                window_end=window.end,
                requested_by="test",
            )
        )
    assert requested.drain(state, now=MORNING) == 1
    after = reports(state)[0]
    kept = ("id", "origin", "failures", "retry_at")
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]


def test_a_retried_night_that_is_calm_resolves_no_later_incident(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    with state.sessions.begin() as session:
        served = make_served(session, since=FIRST - 2 * PERIOD)
        for number, shift in ((-2, 0.0), (-1, 0.0), (0, 0.0), (1, 1.0)):
            make_night(session, served, night_of(number), shift=shift)
    make_baseline(state, end=FIRST - 2 * PERIOD)
    Crashes(monkeypatch, 1)
    nightly.run(state, now=MORNING + PERIOD)
    assert [row.verdict for row in reports(state)] == ["calm", "calm", "failed", "drift"]
    nightly.run(state, now=MORNING + PERIOD + LATER)
    assert [row.verdict for row in reports(state)] == ["calm", "calm", "calm", "drift"]
    with state.sessions() as session:
        assert session.scalars(select(Incident.state)).all() == ["open"]


@pytest.mark.parametrize("judged", [False, True])
def test_a_silence_withholds_the_alert_and_releases_it_unless_the_night_was_judged(
    state: State, monkeypatch: pytest.MonkeyPatch, judged: bool
) -> None:
    nights(state)
    Crashes(monkeypatch, 1_000)
    now = datetime.datetime.now(tz=datetime.UTC)
    with state.sessions.begin() as session:
        session.add(
            Silence(
                id=new_id(),
                model_id=None,
                starts_at=now - PERIOD,
                ends_at=now + PERIOD,
                reason="maintenance",
                created_by="test",
            )
        )
    for attempt in range(state.settings.drift.night_attempts):
        nightly.run(state, now=MORNING + attempt * LATER)
    (withheld,) = alerts(state)
    assert (withheld.kind, withheld.event_id) == (AlertKind.NIGHT_FAILED, None)
    with state.sessions.begin() as session:
        assert alert.release(session) == []
        session.execute(update(Silence).values(ends_at=now))
        if judged:
            session.execute(update(DriftReport).values(verdict="calm"))
    with state.sessions.begin() as session:
        assert [one.id for one in alert.release(session)] == ([] if judged else [withheld.id])
    with state.sessions.begin() as session:
        assert alert.release(session) == []


class ClientError(Exception):
    """As gcsfs' HttpError: of no class that others share."""


def test_an_error_of_the_storages_client_is_an_outage_and_tried_again(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights(state, shift=1.0)
    files = state.storage._files

    def away(*_: Any, **__: Any) -> Any:
        raise ClientError("503")

    with monkeypatch.context() as patch:
        patch.setattr(type(files), "pipe_file", away)
        with pytest.raises(StorageUnavailable, match="ClientError: 503"):
            Storage(state.settings.storage).write("any", b"")
        assert nightly.run(state, now=MORNING) == []
        assert reports(state) == []
    assert len(nightly.run(state, now=MORNING)) == 1
    assert [(row.verdict, row.failures) for row in reports(state)] == [("drift", 0)]


def unreadable(state: State, monkeypatch: pytest.MonkeyPatch) -> tuple[uuid.UUID, uuid.UUID]:
    """Two models with a night each; the storage fails at every file of the first, archived one."""
    with state.sessions.begin() as session:
        old = make_served(session)
        make_night(session, old, night_of(0))
        old.model.status = "archived"
        session.flush()
        new = make_served(session, since=FIRST + PERIOD)
        make_night(session, new, night_of(1))
        broken = old.model.artifact_uri
        new.model.artifact_uri = f"{broken}.new"
    read = Storage.read

    def denied(storage: Storage, key: str) -> bytes:
        if key == broken:
            raise StorageUnavailable("403")
        return read(storage, key)

    monkeypatch.setattr(Storage, "read", denied)
    return old.model.id, new.model.id


def test_an_archived_model_that_cannot_be_read_holds_back_no_later_night_or_request(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = unreadable(state, monkeypatch)
    nightly.run(state, now=MORNING + PERIOD)
    assert [row.model_id for row in reports(state)] == [new]
    with state.sessions.begin() as session:
        for number, model in enumerate((old, new)):
            window = night_of(number)
            session.add(
                ReportRequest(
                    id=new_id(),
                    model_id=model,
                    window_start=window.start,
                    window_end=window.end,
                    requested_by="test",
                )
            )
    assert requested.drain(state, now=MORNING + PERIOD) == 1


def test_a_fault_after_one_models_night_holds_back_no_other(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = unreadable(state, monkeypatch)

    def faulty(state: State, model: uuid.UUID) -> None:
        if model == old:
            raise KeyError("of any kind")
        settling.settle(state, model)

    monkeypatch.setattr(Storage, "read", lambda *_: b"")
    monkeypatch.setattr("mycovigil_worker.nights.nightly.settle", faulty)
    nightly.run(state, now=MORNING + PERIOD)
    assert {row.model_id for row in reports(state)} == {old, new}
