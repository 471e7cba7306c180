"""Data that no test can judge: said in the report, and the other nights go on."""

import datetime
import uuid
from typing import Any

import pytest
from factories.baseline import make_baseline
from factories.model import make_encoder
from factories.night import FIRST, PERIOD, Served, make_night, make_served, night_of
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

from mycovigil.db.alert import Alert, Incident
from mycovigil.db.base import new_id
from mycovigil.db.reference import ReferenceSample, ReferenceSet
from mycovigil.db.report import DriftReport, ReportRequest
from mycovigil.incidents import incident
from mycovigil_worker.judging.judge import Judging
from mycovigil_worker.nights import backfill, nightly, requested
from mycovigil_worker.state import State

MORNING = FIRST + PERIOD + datetime.timedelta(hours=1)


def only_report(state: State) -> DriftReport:
    nightly.run(state, now=MORNING)
    with state.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Alert)) == 0
        return session.scalars(select(DriftReport)).one()


def two_nights(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        make_night(session, served, night_of(0))
        make_night(session, served, night_of(1))
    make_baseline(state)


def spoilt_reference(session: Session) -> list[dict[str, Any]]:
    """Make every photo of it the same; returns the rows that mend it."""
    key = (ReferenceSample.reference_set_id, ReferenceSample.ordinal)
    before = session.execute(select(*key, ReferenceSample.features)).mappings().all()
    session.execute(update(ReferenceSample).values(features=[1.0] * 16))
    return [dict(row) for row in before]


def request_of(served: Served) -> ReportRequest:
    window = night_of(0)
    return ReportRequest(
        id=new_id(),
        model_id=served.model.id,
        window_start=window.start,
        window_end=window.end,
        requested_by="test",
    )


def test_features_of_another_encoder_are_never_compared(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        make_night(session, served, night_of(0))
        other = make_encoder(session)
        make_night(session, served, night_of(0), rows=7, encoder_id=other.id, seed=5)
    report = only_report(state)
    assert report.verdict == "failed"
    assert "7 of 127 rows carry features of another encoder" in str(report.problem)


def test_vectors_of_two_lengths_fail(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        make_night(session, served, night_of(0))
        make_night(session, served, night_of(0), rows=7, dimension=8, seed=5)
    assert "different lengths" in str(only_report(state).problem)


def test_vectors_of_another_length_than_the_reference_fail(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        make_night(session, served, night_of(0), dimension=8)
    assert "never compared" in str(only_report(state).problem)


def test_nan_probabilities_fail(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        make_night(session, served, night_of(0), probabilities=[float("nan"), 0.2, 0.3, 0.5])
    report = only_report(state)
    assert report.verdict == "failed"
    assert "NaN" in str(report.problem)


def test_a_reference_set_of_equal_rows_fails(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        make_night(session, served, night_of(0))
        session.execute(update(ReferenceSample).values(features=[1.0] * 16))
    assert "same features" in str(only_report(state).problem)


def test_a_reference_set_that_is_too_small_fails(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        make_night(session, served, night_of(0))
        session.execute(delete(ReferenceSample).where(ReferenceSample.ordinal >= 90))
    assert "at least 100 are needed" in str(only_report(state).problem)


@pytest.mark.parametrize("how", ["retired", "draft", "none"])
def test_a_night_without_a_reference_set_says_what_to_do(state: State, how: str) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        make_night(session, served, night_of(0))
        if how == "retired":
            session.execute(update(ReferenceSet).values(retired_at=FIRST))
        elif how == "draft":
            session.execute(update(ReferenceSet).values(frozen_at=None))
        else:
            session.execute(delete(ReferenceSet))
    report = only_report(state)
    assert (report.verdict, report.reference_set_id, report.rows) == ("no_reference", None, 120)
    assert "no active reference set: freeze one" in str(report.problem)
    assert nightly.run(state, now=MORNING) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_covariate_that_is_no_number_counts_as_missing(state: State, value: float) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        make_night(session, served, night_of(0), rows=110)
        make_night(session, served, night_of(0), rows=10, seed=5, sharpness=value)
    found = {row["name"]: row["night"] for row in only_report(state).evidence["covariates"]}
    assert found["sharpness"] == pytest.approx(-2.2, abs=0.2)


def test_what_the_database_cannot_hold_fails_one_night_and_blocks_none(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_nights(state)
    told = Judging._inputs
    spoilt = iter([{"seed": float("nan")}])
    monkeypatch.setattr(
        Judging, "_inputs", lambda judging, found: next(spoilt, None) or told(judging, found)
    )
    nightly.run(state, now=MORNING + PERIOD)
    with state.sessions() as session:
        found = session.scalars(select(DriftReport).order_by(DriftReport.window_end)).all()
    assert [row.verdict for row in found] == ["failed", "calm"]
    assert "DataError" in str(found[0].problem)
    assert "INSERT" not in str(found[0].problem)


@pytest.mark.usefixtures("brief_pages")
def test_a_failed_night_is_judged_again_by_backfill_alone(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        make_night(session, served, night_of(0))
        before = spoilt_reference(session)
    assert only_report(state).verdict == "failed"
    with state.sessions.begin() as session:
        session.execute(update(ReferenceSample), before)
    assert nightly.run(state, now=MORNING) == []
    list(backfill.run(state, backfill.missing(state, FIRST, MORNING)))
    with state.sessions() as session:
        assert session.scalars(select(DriftReport.verdict)).all() == ["learning"]


@pytest.mark.usefixtures("brief_pages")
def test_who_asked_for_a_failed_night_is_told_when_it_is_judged_again(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        make_night(session, served, night_of(0))
        before = spoilt_reference(session)
        session.add(request_of(served))
    assert requested.drain(state, now=MORNING) == 1
    with state.sessions.begin() as session:
        assert session.scalars(select(DriftReport.verdict)).all() == ["failed"]
        session.execute(update(ReferenceSample), before)
        session.add(request_of(served))
    assert requested.drain(state, now=MORNING) == 1
    with state.sessions() as session:
        report = session.scalars(select(DriftReport)).one()
        told = session.scalars(select(ReportRequest.report_id)).all()
    assert (report.verdict, told) == ("learning", [report.id, report.id])


@pytest.mark.usefixtures("brief_pages")
def test_an_incident_that_labels_opened_on_a_failed_night_does_not_hold_back_its_judgement(
    state: State,
) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        make_night(session, served, night_of(0))
        before = spoilt_reference(session)
    failed = only_report(state)
    with state.sessions.begin() as session:
        report = session.get_one(DriftReport, failed.id)
        incident.confirm_harm(session, report, found="by their labels all were missed")
        session.execute(update(ReferenceSample), before)
    list(backfill.run(state, backfill.missing(state, FIRST, MORNING)))
    with state.sessions() as session:
        report = session.scalars(select(DriftReport)).one()
        assert session.scalars(select(Incident.report_id)).all() == [failed.id]
    assert (report.id, report.verdict, report.origin) == (failed.id, "learning", "backfill")


@pytest.mark.parametrize("by", ["nightly", "backfill"])
@pytest.mark.usefixtures("brief_pages")
def test_a_night_without_a_reference_set_is_judged_once_there_is_one(state: State, by: str) -> None:
    with state.sessions.begin() as session:
        served = make_served(session, frozen=False)
        make_night(session, served, night_of(0))
    assert only_report(state).verdict == "no_reference"
    assert backfill.missing(state, FIRST, MORNING) == []
    with state.sessions.begin() as session:
        session.execute(update(ReferenceSet).values(frozen_at=MORNING))
    if by == "backfill":
        list(backfill.run(state, backfill.missing(state, FIRST, MORNING)))
    else:
        nightly.run(state, now=MORNING)
    with state.sessions() as session:
        report = session.scalars(select(DriftReport)).one()
    assert (report.verdict, report.origin) == ("learning", by)


@pytest.mark.usefixtures("brief_pages")
def test_a_crash_of_the_judging_is_a_failed_night_and_the_next_goes_on(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_nights(state)
    judge = Judging.judged

    def crash_once(judging: Judging) -> object:
        if judging.spec.window.start == FIRST:
            raise RuntimeError("a bug")
        return judge(judging)

    monkeypatch.setattr(Judging, "judged", crash_once)
    nightly.run(state, now=MORNING + PERIOD)
    with state.sessions() as session:
        found = session.scalars(select(DriftReport).order_by(DriftReport.window_end)).all()
    assert [row.verdict for row in found] == ["failed", "calm"]
    assert found[0].problem == "judging crashed: RuntimeError: a bug"


def test_one_class_and_constant_columns_are_told_beside_the_verdict(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        make_night(session, served, night_of(0), probabilities=[0.7, 0.1, 0.1, 0.1], label="edible")
        session.execute(update(ReferenceSample).values(probabilities=[0.7, 0.1, 0.1, 0.1]))
    report = only_report(state)
    assert report.verdict == "learning"
    assert report.evidence["warnings"][:2] == [
        "every photo of the window was predicted edible",
        "every photo of the reference set was predicted edible",
    ]
    assert "too small to see slow drift: 200 rows" in report.evidence["warnings"][2]


def test_one_client_session_is_one_independent_unit(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        make_night(session, served, night_of(0), group_key=str(uuid.UUID(int=1)))
    report = only_report(state)
    assert report.verdict == "insufficient"
    assert "independent groups" in str(report.problem)


def test_nan_features_are_refused_by_the_table_itself(state: State) -> None:
    with state.sessions() as session:
        served = make_served(session)
        with pytest.raises(StatementError, match="NaN"):
            make_night(session, served, night_of(0), features=[float("nan")] * 16)


@pytest.mark.usefixtures("brief_pages")
def test_a_poisoned_model_does_not_hold_back_another(state: State) -> None:
    with state.sessions.begin() as session:
        old = make_served(session)
        make_night(session, old, night_of(0), dimension=8)
        old.model.status = "archived"
        session.flush()
        new = make_served(session, since=FIRST + PERIOD)
        make_night(session, new, night_of(1))
    nightly.run(state, now=MORNING + PERIOD)
    with state.sessions() as session:
        found = session.scalars(select(DriftReport).order_by(DriftReport.window_end)).all()
    verdicts = {(row.model_id, row.verdict) for row in found}
    assert (old.model.id, "failed") in verdicts
    assert (new.model.id, "learning") in verdicts
