"""Nightly and catch-up: every missing report, once, in order, whatever happens."""

import dataclasses
import datetime
import threading

import pytest
from factories.baseline import make_baseline
from factories.night import FIRST, PERIOD, Served, make_night, make_served, night_of
from sqlalchemy import func, select

from mycovigil.db.alert import Alert, Incident
from mycovigil.db.message import OutboxMessage
from mycovigil.db.model import Model, ModelStatus
from mycovigil.db.report import DriftMetric, DriftReport
from mycovigil_worker.nights import make_report, nightly
from mycovigil_worker.state import State

pytestmark = pytest.mark.usefixtures("brief_pages", "brief_harm")


def after(nights: int) -> datetime.datetime:
    """An hour into the night after ``nights`` have passed."""
    return FIRST + nights * PERIOD + datetime.timedelta(hours=1)


def reports(state: State) -> list[DriftReport]:
    """In the order in which they were made."""
    with state.sessions() as session:
        return list(session.scalars(select(DriftReport).order_by(DriftReport.created_at)))


def served_for(state: State, nights: list[float], rows: int = 120) -> Served:
    """A model with a baseline of days, and one night of traffic for each shift."""
    with state.sessions.begin() as session:
        served = make_served(session)
        for number, shift in enumerate(nights):
            make_night(session, served, night_of(number), shift=shift, rows=rows)
    make_baseline(state, served, rows=rows)
    return served


def test_a_calm_and_a_drifted_night_get_their_reports_once(state: State) -> None:
    served_for(state, [0.0, 1.0])
    made = nightly.run(state, now=after(2))
    again = nightly.run(state, now=after(2))
    found = reports(state)
    assert [row.id for row in found] == made
    assert again == []
    assert [row.verdict for row in found] == ["calm", "drift"]
    assert found[1].p_value is not None
    assert found[1].level is not None
    assert found[1].p_value <= found[1].level
    assert found[1].inputs["night_rows"] == 120
    assert found[1].views
    assert found[1].gallery
    assert {row["name"] for row in found[1].evidence["covariates"]} >= {"brightness", "sharpness"}
    assert state.storage.exists(str(found[0].evidently_uri))


def test_drift_writes_incident_alert_and_event_with_the_report(state: State) -> None:
    served_for(state, [1.0])
    nightly.run(state, now=after(1))
    with state.sessions() as session:
        report = session.scalars(select(DriftReport)).one()
        incident = session.scalars(select(Incident)).one()
        alert = session.scalars(select(Alert)).one()
        event = session.scalars(select(OutboxMessage)).one()
        model = session.scalars(select(Model)).one()
        numbers = session.scalar(select(func.count()).select_from(DriftMetric))
    assert incident.report_id == report.id
    assert alert.incident_id == incident.id
    assert event.id == alert.event_id
    assert model.certificate_state in {"suspect", "void"}
    assert numbers
    assert numbers > 20


def test_a_crash_before_the_commit_leaves_nothing(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    served_for(state, [1.0])

    def crash(*_: object, **__: object) -> None:
        raise OSError("the disk went away")

    with monkeypatch.context() as patch:
        patch.setattr(make_report, "_log", crash)
        assert nightly.run(state, now=after(1)) == []
    with state.sessions() as session:
        for table in (DriftReport, Incident, Alert, OutboxMessage):
            assert session.scalar(select(func.count()).select_from(table)) == 0
    assert len(nightly.run(state, now=after(1))) == 1


def test_missed_nights_are_caught_up_in_order(state: State) -> None:
    served_for(state, [0.0, 0.0, 0.0], rows=60)
    nightly.run(state, now=after(1))
    nightly.run(state, now=after(3))
    starts = [row.window_start for row in reports(state) if row.periods == 1]
    assert starts == [FIRST + number * PERIOD for number in range(3)]


def test_catching_up_reaches_back_only_so_far(state: State) -> None:
    served_for(state, [0.0, 0.0])
    drift = state.settings.drift.model_copy(update={"catch_up_periods": 3})
    settings = state.settings.model_copy(update={"drift": drift})
    nightly.run(dataclasses.replace(state, settings=settings), now=after(20))
    starts = [row.window_start for row in reports(state) if row.periods == 1]
    assert starts == [FIRST + number * PERIOD for number in (17, 18, 19)]


def test_two_workers_make_one_report(state: State) -> None:
    served_for(state, [0.0, 0.0])
    start = threading.Barrier(2)

    def work() -> None:
        start.wait()
        nightly.run(state, now=after(2))

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    nightly.run(state, now=after(2))  # whatever the slower one left to the faster
    assert [row.window_start for row in reports(state)] == [FIRST, FIRST + PERIOD]


def test_few_rows_are_insufficient_and_judged_with_the_next_night(state: State) -> None:
    served_for(state, [0.0, 0.0, 0.0], rows=30)
    nightly.run(state, now=after(3))
    found = reports(state)
    assert [row.verdict for row in found] == ["insufficient", "calm", "insufficient"]
    assert [row.rows for row in found] == [30, 60, 30]
    assert found[1].inputs["pooled_from"] == FIRST.isoformat()
    assert found[2].inputs["pooled_from"] == (FIRST + 2 * PERIOD).isoformat()


def test_no_report_before_the_first_photo_and_insufficient_in_silence(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
    assert nightly.run(state, now=after(3)) == []
    with state.sessions.begin() as session:
        make_night(session, served, night_of(3))
    nightly.run(state, now=after(5))
    assert [(row.verdict, row.rows, row.problem) for row in reports(state)] == [
        ("learning", 120, None),
        ("insufficient", 0, "no photo was sent in this window"),
    ]


def test_a_silent_night_is_seen_pages_nobody_and_breaks_no_pooling(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        for number, rows in ((0, 30), (1, 0), (2, 30)):
            make_night(session, served, night_of(number), rows=rows)
    make_baseline(state, served, rows=30)
    nightly.run(state, now=after(3))
    found = reports(state)
    assert [(row.verdict, row.rows) for row in found] == [
        ("insufficient", 30),
        ("insufficient", 0),
        ("calm", 60),
    ]
    with state.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Alert)) == 0


def test_rows_that_came_late_are_counted(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        make_night(session, served, night_of(0), rows=100)
        make_night(session, served, night_of(0), rows=20, delay=2 * PERIOD, seed=9)
    nightly.run(state, now=after(1))
    assert [(row.rows, row.late_rows) for row in reports(state)] == [(120, 20)]


@pytest.mark.whole
def test_an_outage_of_ten_weeks_is_caught_up_in_order(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session, since=FIRST)
        make_night(session, served, night_of(0), rows=60)
        make_night(session, served, night_of(69), rows=60)
    make_baseline(state, served, rows=60)
    nightly.run(state, now=after(1))
    nightly.run(state, now=after(70))
    nights = [row for row in reports(state) if row.periods == 1]
    assert [row.window_start for row in nights] == [FIRST + n * PERIOD for n in range(70)]
    assert [row.verdict for row in nights if row.rows] == ["calm", "calm"]


def test_another_worker_is_asked_where_several_models_have_nights(state: State) -> None:
    with state.sessions.begin() as session:
        first = make_served(session)
        make_night(session, first, night_of(0), rows=60)
        first.model.status = ModelStatus.ARCHIVED
        session.flush()
        second = make_served(session, since=FIRST + PERIOD)
        make_night(session, second, night_of(1), rows=60)
    asked: list[int] = []
    nightly.run(state, now=after(2), ask_help=lambda: asked.append(len(reports(state))))
    assert asked == [0]  # before the first is judged
    assert len(reports(state)) == 2
    nightly.run(state, now=after(2), ask_help=lambda: asked.append(len(reports(state))))
    assert asked == [0]
