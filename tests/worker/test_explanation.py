"""Harm by shares, and the photos to blame."""

import datetime
import uuid
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from factories.baseline import make_baseline
from factories.night import FIRST, PERIOD, make_night, make_served, night_of
from sqlalchemy import select

from mycovigil.db.prediction import Prediction
from mycovigil.db.report import DriftReport
from mycovigil.models.bundle import Thresholds
from mycovigil.models.safety import CLASSES
from mycovigil.references.feature_rows import Rows
from mycovigil_statistics import fit, judge
from mycovigil_worker.judging.judged_window import Comparison
from mycovigil_worker.judging.slices import Slices
from mycovigil_worker.judging.window_totals import Totals
from mycovigil_worker.nights import nightly
from mycovigil_worker.references.fitted import Reference
from mycovigil_worker.references.novelty import NoveltyScale
from mycovigil_worker.report import evidence, harm
from mycovigil_worker.report.harm import Safety
from mycovigil_worker.state import State

pytestmark = pytest.mark.usefixtures("brief_pages")
NOVELTY = 1.0


def rows_of(
    shares: list[float], rows: int, *, seed: int, labelled: bool = True, clear: float = 4
) -> Rows:
    """Photos with calibrated probabilities: the truth is drawn, the model sees it in noise."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(len(CLASSES), rows, p=shares)
    seen = np.eye(len(CLASSES))[truth] * clear + rng.standard_normal((rows, len(CLASSES)))
    likelihood = np.exp(seen * clear)  # Gaussian noise: the density ratio of the classes
    posterior = likelihood / likelihood.sum(axis=1, keepdims=True)
    return Rows(
        keys=list(range(rows)),
        features=rng.standard_normal((rows, 8)).astype(np.float32),
        probabilities=posterior.astype(np.float32),
        covariates=rng.standard_normal((rows, 8)).astype(np.float32),
        distances=rng.uniform(0, 0.9, rows).astype(np.float32),
        groups=[None] * rows,
        labels=[CLASSES[i].value if labelled else None for i in truth],
    )


def class_by_class(rows: Rows) -> Rows:
    """As a training set's rows lie in its reference set: in the order of their paths."""
    order = np.argsort([label or "" for label in rows.labels], kind="stable")
    return replace(
        rows,
        features=rows.features[order],
        probabilities=rows.probabilities[order],
        covariates=rows.covariates[order],
        distances=rows.distances[order],
        labels=[rows.labels[number] for number in order],
    )


def comparison_of(night: Rows, reference: Rows, novel: int = 0) -> Comparison:
    totals = Totals(len(night), 0, 0, novel, {}, {})
    fitted = fit(reference.features)
    unused: Any = uuid.UUID(int=0)
    known = Reference(unused, unused, unused, "", reference)
    judged = judge(fitted, night.features)
    return Comparison(
        known, night, totals, night_of(0), fitted, judged, Slices(), NoveltyScale(unused)
    )


EVEN = [0.25] * 4


def test_many_photos_that_are_always_refused_leave_harm_unknown() -> None:
    night = rows_of(EVEN, 400, seed=1)
    found = harm.estimated(
        comparison_of(night, rows_of(EVEN, 400, seed=2), novel=60), NOVELTY, seed=0
    )
    assert found.safety is Safety.UNKNOWN


def advised(comparison: Comparison, **limits: float | None) -> Comparison:
    """Beside a model whose rules are known."""
    thresholds = Thresholds(
        **{
            "set_level": (0.999,) * 4,
            "deadly_floor": 0.5,
            "harm_floor": 0.9,
            "novelty": NOVELTY,
            "not_mushroom": 2.0,
        }
        | limits
    )
    direction = np.eye(8, dtype=np.float32)[0]
    return replace(comparison, scale=NoveltyScale(uuid.UUID(int=0), NOVELTY, direction, thresholds))


def test_a_client_that_sends_cats_changes_no_estimate() -> None:
    """Cats that are called deadly with certainty, as many as mushrooms, are refused."""
    night, reference = rows_of(EVEN, 400, seed=1), rows_of(EVEN, 400, seed=2)
    night.features[:, 0] = reference.features[:, 0] = 0.0
    cats = rows_of([0.0, 0.0, 0.0, 1.0], 400, seed=3)
    cats.features[:, 0] = 9.0
    both = replace(
        night,
        keys=list(range(800)),
        features=np.concatenate([night.features, cats.features]),
        probabilities=np.concatenate([night.probabilities, cats.probabilities]),
        distances=np.concatenate([night.distances, cats.distances]),
        labels=night.labels + cats.labels,
        groups=[None] * 800,
        covariates=np.concatenate([night.covariates, cats.covariates]),
    )
    plain, beside_cats = (
        harm.estimated(
            advised(comparison_of(rows, reference), non_mushroom_limit=5.0), NOVELTY, seed=0
        )
        for rows in (night, both)
    )
    assert beside_cats.safety is plain.safety is not Safety.AFFECTED
    assert beside_cats.risk == plain.risk
    assert beside_cats.shares == plain.shares


def test_deadly_photos_that_are_told_to_avoid_are_no_harm() -> None:
    """More deadly photos that are mistaken, and a floor by which all of them are answered avoid."""
    night = rows_of([0.15, 0.15, 0.15, 0.55], 400, seed=1, clear=2)
    reference = rows_of(EVEN, 400, seed=2, clear=2)
    careful = advised(comparison_of(night, reference), deadly_floor=0.0)
    found = harm.estimated(careful, NOVELTY, seed=0)
    assert found.safety is not Safety.AFFECTED
    assert found.risk is not None
    assert found.risk.night == 0


def test_more_deadly_photos_that_are_mistaken_affect_safety() -> None:
    shares = [0.15, 0.15, 0.15, 0.55]
    night, reference = rows_of(shares, 400, seed=1, clear=2), rows_of(EVEN, 400, seed=2, clear=2)
    found = harm.estimated(comparison_of(night, reference), NOVELTY, seed=0)
    assert found.safety is Safety.AFFECTED
    assert found.deadly is not None
    assert found.risk is not None
    assert found.deadly.low < 0.55 < found.deadly.high
    assert found.risk.night > found.risk.reference
    assert found.document()["shares"]["deadly"]["night"] == found.deadly.night


def test_the_same_shares_do_not_affect_safety() -> None:
    night = rows_of(EVEN, 2_000, seed=1)
    found = harm.estimated(comparison_of(night, rows_of(EVEN, 2_000, seed=2)), NOVELTY, seed=0)
    assert found.safety is Safety.NOT_AFFECTED
    assert found.recall is not None
    assert found.recall.low < found.recall.reference < found.recall.high + 0.02


def test_a_large_reference_that_lies_class_by_class_stands_for_all_its_classes() -> None:
    reference = class_by_class(rows_of(EVEN, 5_000, seed=2))
    night = comparison_of(rows_of(EVEN, 1_500, seed=1), reference)
    assert harm.estimated(night, NOVELTY, seed=0).safety is Safety.NOT_AFFECTED
    shown = reference.predicted[reference.at_most(2_000)]
    assert np.bincount(shown, minlength=4) / 2_000 == pytest.approx(EVEN, abs=0.04)


def test_what_is_not_known_is_not_denied() -> None:
    night = rows_of(EVEN, 400, seed=1)
    unlabelled = rows_of(EVEN, 400, seed=2, labelled=False)
    found = harm.estimated(comparison_of(night, unlabelled), None, seed=0)
    assert (found.safety, found.deadly, found.novel) == (Safety.UNKNOWN, None, None)


def test_the_reference_is_too_small_for_a_nights_photos_not_for_a_months() -> None:
    night = comparison_of(rows_of(EVEN, 150, seed=1), rows_of(EVEN, 400, seed=2))
    month = replace(night, span=replace(night.span, periods=30))
    told = "the reference set is too small to see slow drift: 200 rows of it are compared with 150"
    assert [text[: len(told)] for text in evidence.warnings(night)] == [told]
    assert evidence.warnings(month) == []


def test_planted_photos_lead_the_gallery(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        make_night(session, served, night_of(0), rows=180)
        make_night(session, served, night_of(0), rows=20, shift=3.0, seed=7, client="planted")
    make_baseline(state, days=14)
    nightly.run(state, now=FIRST + PERIOD + datetime.timedelta(hours=1))
    with state.sessions() as session:
        report = session.scalars(select(DriftReport)).one()
        planted = set(session.scalars(select(Prediction.id).where(Prediction.client == "planted")))
    assert report.verdict == "drift"
    shown = [uuid.UUID(photo["prediction_id"]) for photo in report.gallery]
    assert len(shown) == 20
    assert len(planted & set(shown)) >= 16
    assert all(len(photo["neighbours"]) == 3 for photo in report.gallery)
    assert report.evidence["harm"]["safety"] in set(Safety)
    assert report.evidence["cause"]["kind"] == report.cause
