"""Novelty in the nightly decision: scores of both sides, and nights that have none."""

import uuid

import numpy as np
import pytest
from factories.baseline import make_baseline
from factories.night import FIRST, PERIOD, make_night, make_served, night_of
from numpy.typing import NDArray
from scipy.stats import binom
from sqlalchemy import select, update

from mycovigil.db.prediction import Prediction
from mycovigil.db.reference import ReferenceSample
from mycovigil.db.report import DriftReport
from mycovigil.references.feature_rows import Rows
from mycovigil_statistics.safety.novelty import mean_distance, non_mushroom_direction
from mycovigil_worker.nights import nightly
from mycovigil_worker.references import fitted as references
from mycovigil_worker.references.fitted import Reference
from mycovigil_worker.references.novelty import NoveltyScale
from mycovigil_worker.state import State

pytestmark = pytest.mark.usefixtures("brief_pages")
NOBODY = uuid.UUID(int=0)
DIMENSION = 16


def judged(state: State) -> DriftReport:
    make_baseline(state)
    nightly.run(state, now=FIRST + PERIOD * 1.1)
    with state.sessions() as session:
        return session.scalars(select(DriftReport)).one()


def novelty_views(report: DriftReport) -> dict[str, float]:
    return {view["name"]: view["p_value"] for view in report.views if view["name"] == "novelty"}


def test_photos_farther_than_ever_are_found_by_their_distance_alone(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        make_night(session, served, night_of(0))
        session.execute(update(Prediction).values(distance=Prediction.distance + 1))
    report = judged(state)
    assert report.verdict == "drift"
    assert novelty_views(report)["novelty"] <= 0.0001
    skew = {view["name"]: view["p_value"] for view in report.evidence["skew"]["views"]}
    assert max(skew["novelty"], skew["largest_novelty"]) <= 0.001
    assert report.inputs["novelty"] == ["distance"]


def test_a_night_without_scores_is_judged_without_and_says_so(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        make_night(session, served, night_of(0))
        session.execute(update(Prediction).values(distance=float("nan")))
    report = judged(state)
    assert report.verdict == "calm"
    assert novelty_views(report) == {}
    said = [text for text in report.evidence["warnings"] if "novelty" in text]
    assert said == [
        "novelty was not tested: 120 of 120 rows of the window carry no score",
    ]


def test_a_reference_without_scores_is_fitted_without(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        make_night(session, served, night_of(0))
        session.execute(update(ReferenceSample).values(distance=float("nan")))
    assert novelty_views(judged(state)) == {}


def rows_of(features: NDArray[np.float32], anchors: NDArray[np.float32]) -> Rows:
    count = len(features)
    alone: list[str | None] = [None] * count
    return Rows(
        keys=list(range(count)),
        features=features,
        probabilities=np.full((count, 4), 0.25, np.float32),
        covariates=np.full((count, 1), np.nan, np.float32),
        distances=mean_distance(features, anchors, 5).astype(np.float32),
        groups=alone,
        labels=alone,
    )


def unit(generator: np.random.Generator, count: int, strange: int = 0) -> NDArray[np.float32]:
    """``count`` photos of one kind, the first ``strange`` of them of another."""
    points = generator.standard_normal((count, DIMENSION)) + 1
    points[:strange, 0] -= 4
    return np.asarray(points / np.linalg.norm(points, axis=1, keepdims=True), np.float32)


def p_value(seed: int, strange: int) -> float:
    """Of a night of 60 against 200 photos that the model was not trained on."""
    generator = np.random.default_rng(seed)
    known, foreign = unit(generator, 300), unit(generator, 60, 60)
    scale = NoveltyScale(NOBODY, None, non_mushroom_direction(known, foreign))
    held = Reference(NOBODY, NOBODY, NOBODY, "", rows_of(unit(generator, 200), known))
    fitted = references.fitted_now(held, scale, seed)
    night = rows_of(unit(generator, 60, strange), known)
    assert scale.names == ("distance", "not_a_mushroom")
    return references.judged(fitted, night, scale, seed, level=0.05).p_value


def test_calm_nights_stay_calm_although_the_scores_were_learned() -> None:
    nulls = 60
    alarms = sum(p_value(seed, 0) <= 0.05 for seed in range(nulls))
    assert alarms <= binom.ppf(1 - 1e-4, nulls, 0.05)


def test_a_fifth_of_strangers_is_found() -> None:
    found = sum(p_value(seed, 12) <= 0.05 for seed in range(100, 112))
    assert found >= 10


def test_a_photo_that_the_model_knows_is_measured_to_the_others() -> None:
    generator = np.random.default_rng(5)
    anchors, fresh = unit(generator, 400), unit(generator, 400)
    stored = anchors.astype(np.float16).astype(np.float32)
    again = mean_distance(stored, anchors, 5, leave_own_out=True).mean()
    new = mean_distance(fresh, anchors, 5, leave_own_out=True).mean()
    assert mean_distance(stored, anchors, 5).mean() < 0.9 * new
    assert 0.93 * new < again < 1.07 * new
