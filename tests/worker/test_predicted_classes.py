"""Predicted classes page by day sketches of their own, at a level that nothing else spends."""

import datetime
from typing import Any

import numpy as np
import pytest
from factories.baseline import make_baseline
from factories.night import DIMENSION, FIRST, PERIOD, make_night, make_served, night_of
from sqlalchemy import select

from mycovigil.db.alert import Incident
from mycovigil.db.baseline import DaySketch
from mycovigil.db.prediction import Prediction
from mycovigil.db.report import DriftReport
from mycovigil_drift.dashboard import wording
from mycovigil_statistics.drift import DaySketch as Sketch
from mycovigil_worker.days import sketches
from mycovigil_worker.nights import calm, nightly
from mycovigil_worker.nights.replay import replayed
from mycovigil_worker.state import State

pytestmark = pytest.mark.usefixtures("brief_pages", "brief_harm")
ROWS = 200
DEADLY = [0.02, 0.03, 0.05, 0.9]


def nights(state: State, shifts: list[float], *, days: int = 10) -> list[DriftReport]:
    """Nights in which the photos that are called deadly, a tenth, are moved by so much."""
    with state.sessions.begin() as session:
        served = make_served(session)
        for number, shift in enumerate(shifts):
            window = night_of(number)
            made: list[dict[str, Any]] = [
                {"rows": ROWS - 20},
                {
                    "rows": 20,
                    "shift": np.full(DIMENSION, shift),
                    "probabilities": DEADLY,
                    "label": "deadly",
                    "seed": 3,
                },
            ]
            for values in made:
                make_night(session, served, window, **values)
    make_baseline(state, served, days=days, rows=ROWS)
    nightly.run(state, now=FIRST + len(shifts) * PERIOD + datetime.timedelta(hours=1))
    with state.sessions() as session:
        found = select(DriftReport).where(DriftReport.periods == 1)
        return list(session.scalars(found.order_by(DriftReport.window_end)))


def classes_of(report: DriftReport) -> dict[str, dict[str, Any]]:
    """Those that were compared with days."""
    return {one["value"]: one for one in report.evidence["slices"] if "days" in one}


def test_a_class_that_drifts_pages_although_the_night_as_a_whole_does_not(state: State) -> None:
    quiet, drifted = nights(state, [0.0, 1.2])
    assert quiet.verdict == "calm"
    assert set(classes_of(quiet)) == {"edible", "conditionally_edible", "poisonous", "deadly"}
    for one in classes_of(quiet).values():
        assert one["effect"] < one["detectable"] < 10
    assert drifted.verdict == "drift"
    assert (drifted.p_value or 0) > (drifted.level or 0)
    deadly = classes_of(drifted)["deadly"]
    assert (deadly["verdict"], deadly["days"]) == ("drift", 11)
    assert deadly["level"] == pytest.approx(drifted.level)
    assert deadly["p_value"] <= deadly["level"]
    assert deadly["effect"] > deadly["detectable"]
    assert [one["verdict"] for name, one in classes_of(drifted).items() if name != "deadly"] == [
        "calm"
    ] * 3
    with state.sessions() as session:
        assert session.scalars(select(Incident.report_id)).one() == drifted.id
        assert replayed(session, state.storage, drifted.id).reproduced
    sentence = wording.sentence(drifted)
    assert sentence.startswith("This night's photos that were called deadly shifted by")
    assert "as a whole the shift is" in sentence


def test_another_p_value_of_a_class_is_not_reproduced(state: State) -> None:
    (report,) = nights(state, [0.0])
    with state.sessions.begin() as session:
        row = session.get_one(DriftReport, report.id)
        changed = [one | {"p_value": 0.5} for one in row.evidence["slices"]]
        row.evidence = row.evidence | {"slices": changed}
        session.flush()
        found = replayed(session, state.storage, report.id)
        assert (found.same_rows, found.same_slices) == (True, False)


def test_with_few_days_a_class_informs(state: State) -> None:
    (drifted,) = nights(state, [1.2], days=5)
    assert drifted.verdict == "calm"
    assert classes_of(drifted) == {}
    informing = {one["dimension"] for one in drifted.evidence["slices"]}
    assert "predicted_class" in informing


def test_a_cause_that_ended_in_a_class_ends_its_incident(state: State) -> None:
    """Where the night as a whole did not alarm, what is left is looked for in the class."""
    (report, *_) = nights(state, [1.6, 0.0, 0.0, 0.0, 0.0, 0.0])
    with state.sessions.begin() as session:
        row = session.get_one(DriftReport, report.id)
        row.p_value = 2 * (row.level or 0)
        session.flush()
        assert calm._alarming_class(row) == "deadly"
    assert len(calm.end_by_calm(state)) == 1


def test_classes_lie_beside_the_prediction_part_and_older_parts_have_none(state: State) -> None:
    nights(state, [0.0])
    with state.sessions() as session:
        row = session.scalars(
            select(DaySketch).where(
                DaySketch.model_id.is_not(None), DaySketch.day_start == night_of(0).start
            )
        ).one()
        (day,) = sketches.joined(
            session, row.geometry_id, row.model_id or row.id, [night_of(0).span]
        )
        photos = session.scalars(select(Prediction.label)).all()
        assert {name: sketch.rows for name, sketch in day.classes.items()} == {
            name: photos.count(name) for name in set(photos)
        }
        assert isinstance(day.classes["deadly"], Sketch)
        assert not any("class" in view for view in day.sketch.views)
        whole = len(row.content)
    assert whole < 200_000
