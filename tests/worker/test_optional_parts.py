"""A part of a report beside the verdict may crash: the verdict, the alert and the other parts
stay."""

import datetime
from typing import Any

import pytest
from factories.baseline import make_baseline
from factories.night import FIRST, PERIOD, make_night, make_served, night_of
from sqlalchemy import select

from mycovigil.db.alert import Alert
from mycovigil.db.report import DriftReport
from mycovigil_worker.nights import nightly
from mycovigil_worker.report import clusters, evidence, evidently_report, explanation, gallery, harm
from mycovigil_worker.state import State

MORNING = FIRST + PERIOD + datetime.timedelta(hours=1)


def crashing(monkeypatch: pytest.MonkeyPatch, *parts: tuple[Any, str]) -> None:
    def crash(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("a bug")

    for module, name in parts:
        monkeypatch.setattr(module, name, crash)


def drifted_and_alerted(state: State) -> DriftReport:
    with state.sessions.begin() as session:
        make_night(session, make_served(session), night_of(0), shift=1.0)
    make_baseline(state)
    nightly.run(state, now=MORNING)
    with state.sessions() as session:
        report = session.scalars(select(DriftReport)).one()
        assert session.scalars(select(Alert.kind)).all() == ["opened"]
    assert report.verdict == "drift"
    assert (report.p_value or 1) <= (report.level or 0)
    return report


def test_what_is_told_beside_a_verdict_may_crash_and_costs_neither_it_nor_the_alert(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashing(
        monkeypatch,
        (evidence, "covariates"),
        (evidence, "warnings"),
        (clusters, "changed"),
        (explanation, "explain"),
        (gallery, "gathered"),
        (evidently_report, "stored"),
    )
    report = drifted_and_alerted(state)
    bug = "could not be made: ZeroDivisionError: a bug"
    parts = ["covariates", "warnings", "clusters", "cause", "gallery", "Evidently's page"]
    assert report.evidence["warnings"] == [f"{part} {bug}" for part in parts]
    assert set(report.evidence) == {"classes", "slices", "harm", "warnings", "skew", "days"}
    assert (report.cause, report.gallery, report.evidently_uri) == ("unknown", [], None)


def test_a_part_that_crashes_is_left_out_alone(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashing(monkeypatch, (harm, "estimated"))
    report = drifted_and_alerted(state)
    told = {"covariates", "classes", "clusters", "slices", "cause", "warnings", "skew", "days"}
    assert set(report.evidence) == told
    assert report.gallery
    assert report.evidently_uri is not None


def test_a_part_with_a_number_that_json_cannot_hold_is_left_out(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    with state.sessions.begin() as session:
        make_night(session, make_served(session), night_of(0))
    spoilt = [{"class": "edible", "reference": float("nan"), "night": 0.0}]
    monkeypatch.setattr(evidence, "classes", lambda _: spoilt)
    nightly.run(state, now=MORNING)
    with state.sessions() as session:
        assert session.scalars(select(Alert)).all() == []
        report = session.scalars(select(DriftReport)).one()
    assert report.verdict == "learning"
    assert "classes could not be made: ValueError" in str(report.evidence["warnings"])
