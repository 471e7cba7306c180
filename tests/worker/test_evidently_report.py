"""Evidently's page: human columns, our verdict inside, and no table of embedding columns."""

import datetime
import json

from factories.night import FIRST, PERIOD, make_night, make_served, night_of
from sqlalchemy import select, update

from mycovigil.db.reference import ReferenceSample
from mycovigil.db.report import DriftReport
from mycovigil_worker import nightly
from mycovigil_worker.state import State

MORNING = FIRST + PERIOD + datetime.timedelta(hours=1)
JAVASCRIPT = 4_000_000
"""About what Evidently's own script weighs."""


def report_of(state: State, shift: float) -> DriftReport:
    with state.sessions.begin() as session:
        served = make_served(session)
        make_night(session, served, night_of(0), shift=shift, jpeg_quality=None)
        session.execute(update(ReferenceSample).values(jpeg_quality=None))
    nightly.run(state, now=MORNING)
    with state.sessions() as session:
        return session.scalars(select(DriftReport)).one()


def test_the_verdict_is_a_failed_test_on_the_page_and_in_the_snapshot(state: State) -> None:
    report = report_of(state, shift=1.0)
    page = state.storage.read(str(report.evidently_uri))
    snapshot = json.loads(state.storage.read(str(report.snapshot_uri)))
    assert b"Mycovigil verdict: drift" in page
    assert b"EmbeddingsDrift of features" in page
    assert len(page) < JAVASCRIPT + 1_000_000
    ours = snapshot["metrics"][0]
    assert ours["metric_name"].startswith("OmnibusPValue")
    assert ours["value"] == report.p_value
    assert [test["status"] for test in snapshot["tests"]] == ["FAIL"]


def test_a_calm_night_passes_its_test_and_has_human_columns_only(state: State) -> None:
    report = report_of(state, shift=0.0)
    snapshot = json.loads(state.storage.read(str(report.snapshot_uri)))
    assert {test["status"] for test in snapshot["tests"]} == {"SUCCESS"}
    columns = {m["config"]["column"] for m in snapshot["metrics"] if "column" in m["config"]}
    assert columns == {
        "predicted_class",
        "confidence",
        "distance_to_reference",
        "brightness",
        "contrast",
        "sharpness",
        "colour_temperature",
        "saturation",
        "width",
        "height",
        "probability_edible",
        "probability_conditionally_edible",
        "probability_poisonous",
        "probability_deadly",
    }
