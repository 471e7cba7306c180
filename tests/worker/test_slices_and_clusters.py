"""Which part of a night drifted, and what is new in it."""

import datetime
import uuid
from typing import Any

import pytest
from factories.baseline import make_baseline
from factories.night import FIRST, PERIOD, make_night, make_served, night_of
from sqlalchemy import select

from mycovigil.db.prediction import Prediction
from mycovigil.db.report import DriftReport
from mycovigil_worker.nights import nightly
from mycovigil_worker.state import State

pytestmark = pytest.mark.usefixtures("brief_pages", "brief_harm")
MORNING = FIRST + PERIOD + datetime.timedelta(hours=1)


def judged(state: State) -> DriftReport:
    make_baseline(state)
    nightly.run(state, now=MORNING)
    with state.sessions() as session:
        return session.scalars(select(DriftReport)).one()


def slices_of(report: DriftReport, dimension: str) -> dict[str, dict[str, Any]]:
    rows = report.evidence["slices"]
    return {row["value"]: row for row in rows if row["dimension"] == dimension}


def test_the_client_that_drifted_is_named(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        make_night(session, served, night_of(0), rows=100, client="old app", app_version="1.0")
        make_night(
            session,
            served,
            night_of(0),
            rows=60,
            client="new app",
            app_version=None,
            shift=1.0,
            seed=5,
        )
    report = judged(state)
    clients = slices_of(report, "client")
    assert {name: row["verdict"] for name, row in clients.items()} == {
        "new app": "drift",
        "old app": "calm",
    }
    assert clients["new app"]["rows"] == 60
    assert clients["new app"]["p_value"] <= clients["new app"]["level"]
    assert clients["new app"]["effect"] > clients["old app"]["effect"]
    assert slices_of(report, "hour")
    assert set(slices_of(report, "predicted_class")) == {
        "edible",
        "conditionally_edible",
        "poisonous",
        "deadly",
    }


def test_a_dimension_with_one_value_is_the_whole_night_and_left_out(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        make_night(session, served, night_of(0))
    assert slices_of(judged(state), "client") == {}


def test_a_new_cluster_is_stored_with_its_photos(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        make_night(session, served, night_of(0), rows=160)
        make_night(session, served, night_of(0), rows=40, shift=3.0, seed=7, client="planted")
    report = judged(state)
    with state.sessions() as session:
        planted = set(session.scalars(select(Prediction.id).where(Prediction.client == "planted")))
    new = report.evidence["clusters"][0]
    assert new["change"] in {"new", "grown"}
    assert new["night"] > new["reference"]
    assert new["p_value"] < 0.05
    assert {uuid.UUID(photo) for photo in new["photos"]} <= planted
    assert len(new["neighbours"]) == 3


def test_a_covariate_tells_by_how_much_it_moved(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        make_night(session, served, night_of(0), brightness=0.61)
    moved = {row["name"]: row for row in judged(state).evidence["covariates"]}
    assert moved["brightness"]["effect"] == pytest.approx(2.0, abs=0.3)
    assert moved["brightness"]["low"] > 1.5
    assert moved["brightness"]["spread"] == pytest.approx(0)
    assert moved["contrast"]["low"] < 0 < moved["contrast"]["high"]
    assert moved["contrast"]["spread"] == pytest.approx(1, abs=0.2)
