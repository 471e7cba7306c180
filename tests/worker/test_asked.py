"""Reports that a person asked for: requests, backfill and replay."""

import datetime
from dataclasses import replace

import pytest
from factories.baseline import make_baseline
from factories.incident import make_incident
from factories.night import FIRST, PERIOD, make_night, make_served, night_of
from factories.report import make_report
from sqlalchemy import delete, func, select, update
from typer.testing import CliRunner

from mycovigil.db.alert import Incident
from mycovigil.db.base import new_id
from mycovigil.db.baseline import DaySketch
from mycovigil.db.prediction import Prediction
from mycovigil.db.report import DriftReport, ReportRequest, ReportVerdict
from mycovigil.incidents import incident
from mycovigil_worker.cli.drift import app
from mycovigil_worker.nights import backfill, nightly, requested
from mycovigil_worker.nights.replay import NotReplayable, replayed
from mycovigil_worker.report import write
from mycovigil_worker.state import State

pytestmark = pytest.mark.usefixtures("brief_pages", "brief_harm")
HOUR = datetime.timedelta(hours=1)
DRIFTED = FIRST + 2 * PERIOD


def two_nights(state: State, *, days: int = 7) -> None:
    """A calm night and a drifted one, beside so many days."""
    with state.sessions.begin() as session:
        served = make_served(session)
        make_night(session, served, night_of(0))
        make_night(session, served, night_of(1), shift=1.0)
        session.add(
            ReportRequest(
                id=new_id(),
                model_id=served.model.id,
                window_start=night_of(1).start,
                window_end=night_of(1).end,
                requested_by="test",
            )
        )
    make_baseline(state, days=days)


def incidents(state: State) -> int:
    with state.sessions() as session:
        return session.scalar(select(func.count()).select_from(Incident)) or 0


def test_a_request_is_answered_once_and_pages_nobody(state: State) -> None:
    two_nights(state)
    assert requested.drain(state, now=DRIFTED + HOUR) == 1
    assert requested.drain(state, now=DRIFTED + HOUR) == 0
    with state.sessions() as session:
        asked = session.scalars(select(ReportRequest)).one()
        report = session.scalars(select(DriftReport)).one()
    assert asked.report_id == report.id
    assert (report.origin, report.verdict) == ("request", "drift")
    assert incidents(state) == 0


def test_a_window_of_three_nights_reads_as_many_photos_of_each_as_a_night(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        for number in range(3):
            make_night(session, served, night_of(number))
        session.add(
            ReportRequest(
                id=new_id(),
                model_id=served.model.id,
                window_start=night_of(0).start,
                window_end=night_of(2).end,
                requested_by="test",
            )
        )
    make_baseline(state)
    few = state.settings.drift.model_copy(update={"sample_rows": 100})
    frugal = replace(state, settings=state.settings.model_copy(update={"drift": few}))
    requested.drain(frugal, now=FIRST + 3 * PERIOD + HOUR)
    with state.sessions() as session:
        report = session.scalars(select(DriftReport)).one()
        assert (report.rows, report.sampled_rows) == (360, 300)
        assert replayed(session, state.storage, report.id).reproduced


def test_a_request_for_an_open_window_waits(state: State) -> None:
    two_nights(state)
    assert requested.drain(state, now=DRIFTED + datetime.timedelta(minutes=5)) == 0


def test_the_nightly_run_adopts_what_was_asked_for_and_alarms(state: State) -> None:
    two_nights(state)
    requested.drain(state, now=DRIFTED + HOUR)
    nightly.run(state, now=DRIFTED + HOUR)
    with state.sessions() as session:
        found = session.scalars(select(DriftReport).order_by(DriftReport.window_end)).all()
    assert [row.origin for row in found] == ["nightly", "nightly"]
    assert incidents(state) == 1
    assert nightly.run(state, now=DRIFTED + HOUR) == []


def test_a_request_without_a_reference_set_is_answered_with_the_problem(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session, frozen=False)
        window = night_of(0)
        session.add(
            ReportRequest(
                id=new_id(),
                model_id=served.model.id,
                window_start=window.start,
                window_end=window.end,
                requested_by="test",
            )
        )
    assert requested.drain(state, now=DRIFTED) == 1
    with state.sessions() as session:
        assert "reference set" in str(session.scalars(select(ReportRequest.problem)).one())


def test_a_window_before_all_time_holds_up_no_other_request(state: State) -> None:
    dawn = datetime.datetime(1, 1, 1, tzinfo=datetime.UTC)
    with state.sessions.begin() as session:
        model = make_served(session, rows=1, frozen=False).model.id
        for start in (dawn, night_of(0).start):
            session.add(
                ReportRequest(
                    id=new_id(),
                    model_id=model,
                    window_start=start,
                    window_end=start + HOUR,
                    requested_by="test",
                    created_at=start,
                )
            )
    assert requested.drain(state, now=DRIFTED + HOUR) == 2
    with state.sessions() as session:
        first, second = session.scalars(select(ReportRequest).order_by(ReportRequest.created_at))
    assert "cannot be judged" in str(first.problem)
    assert "reference set" in str(second.problem)


def test_a_part_of_a_night_is_no_night_and_breaks_no_pooling(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        for number in range(2):
            make_night(session, served, night_of(number), rows=30)
        evening = {"window_start": FIRST + 20 * HOUR, "window_end": FIRST + PERIOD}
        session.add(
            ReportRequest(id=new_id(), model_id=served.model.id, requested_by="test", **evening)
        )
    nightly.run(state, now=FIRST + PERIOD + HOUR)
    requested.drain(state, now=FIRST + PERIOD + HOUR)
    nightly.run(state, now=DRIFTED + HOUR)
    with state.sessions() as session:
        found = session.scalars(select(DriftReport).order_by(DriftReport.created_at)).all()
    assert [(row.periods, row.rows) for row in found] == [(1, 30), (0, 5), (1, 60)]


def test_backfill_makes_the_missing_reports_and_no_incident(state: State) -> None:
    two_nights(state)
    windows = backfill.missing(state, FIRST, DRIFTED)
    made = list(backfill.run(state, windows))
    assert [row.verdict for row in made if row is not None] == ["calm", "drift"]
    assert {row.origin for row in made if row is not None} == {"backfill"}
    assert incidents(state) == 0
    assert backfill.missing(state, FIRST, DRIFTED) == []
    assert list(backfill.run(state, windows)) == [None, None]
    assert nightly.run(state, now=DRIFTED + HOUR) == []
    assert incidents(state) == 0


def test_the_command_backfills_a_stretch(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    two_nights(state)
    monkeypatch.setenv("MYCOVIGIL_DATABASE_URL", state.settings.database.url.get_secret_value())
    monkeypatch.setenv("MYCOVIGIL_STORAGE_URL", state.settings.storage.url)
    stretch = ["--from", "2026-09-01", "--to", "2026-09-03"]
    result = CliRunner().invoke(app, ["backfill", *stretch])
    assert result.exit_code == 0, result.output
    assert "drift" in result.output
    with state.sessions() as session:
        assert session.scalars(select(DriftReport.origin)).all() == ["backfill", "backfill"]


def test_a_replay_needs_the_sketches_alone_and_checks_their_hashes(state: State) -> None:
    two_nights(state)
    made = nightly.run(state, now=DRIFTED + HOUR)
    with state.sessions() as session:
        assert all(replayed(session, state.storage, identifier).reproduced for identifier in made)
    with state.sessions.begin() as session:
        session.execute(update(Prediction).values(brightness=0.9))
        assert all(replayed(session, state.storage, identifier).reproduced for identifier in made)
    with state.sessions.begin() as session:
        gone = select(func.max(DaySketch.day_start)).where(DaySketch.day_start < FIRST)
        session.execute(delete(DaySketch).where(DaySketch.day_start == gone.scalar_subquery()))
        again = replayed(session, state.storage, made[0])
    assert not again.same_rows
    assert not again.reproduced


def test_a_report_from_before_sketches_is_replayed_from_its_rows(state: State) -> None:
    two_nights(state, days=5)  # too few for classes to be compared with days, as then
    made = nightly.run(state, now=DRIFTED + HOUR)
    with state.sessions() as session:
        report = session.get_one(DriftReport, made[-1])
        assert len(report.evidence["slices"]) > 1
        report.inputs = report.inputs | {"sketches": None}
        report.p_value = report.evidence["skew"]["p_value"]
        assert replayed(session, state.storage, report.id).reproduced
        changed = [row | {"p_value": 0.5} for row in report.evidence["slices"]]
        report.evidence = report.evidence | {"slices": changed}
        told = replayed(session, state.storage, report.id)
        assert (told.same_rows, told.same_slices, told.reproduced) == (True, False, False)
        session.execute(update(Prediction).values(brightness=0.9))
        again = replayed(session, state.storage, report.id)
    assert not again.same_rows
    assert not again.reproduced


def test_a_sketch_that_was_changed_is_named(state: State) -> None:
    two_nights(state)
    made = nightly.run(state, now=DRIFTED + HOUR)
    with state.sessions() as session:
        session.execute(update(DaySketch).values(content=b"else"))
        with pytest.raises(NotReplayable, match="is damaged"):
            replayed(session, state.storage, made[0])


def test_a_night_that_was_judged_while_its_drift_was_accepted_opens_no_new_incident(
    state: State,
) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
    before = make_baseline(state, served)
    with state.sessions.begin() as session:
        first, judged = (
            make_report(
                session, served.model, served.reference, night=night,
                verdict=ReportVerdict.DRIFT, baseline_id=before.id,
            )
            for night in (0, 1)
        )  # fmt: skip
        found = make_incident(session, first)
        incident.accept(session, found, who="ada", reason="a club joined")
        write.adopt(session, judged, state.settings.drift)
        assert incident.unresolved(session, served.model.id) is None
