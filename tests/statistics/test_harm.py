"""Harm is named without labels, never waved through, and unknown where shares do not explain it."""

import numpy as np
import pytest
from factories.counted import counted
from numpy.typing import NDArray
from scipy.stats import binom

from mycovigil_statistics.errors import DimensionMismatch, InsufficientRows
from mycovigil_statistics.safety.harm.estimate import estimate_harm
from mycovigil_statistics.safety.harm.rows import Rows

EDIBLE, DEADLY = 0, 3
SOURCE = np.array([0.4, 0.3, 0.2, 0.1])
HARMFUL = np.array([0.15, 0.15, 0.1, 0.6])
CENTRES = 1.5 * np.eye(4)
Labels = NDArray[np.int64]


def photos(shares: NDArray[np.float64], rows: int, seed: int) -> tuple[Rows, Labels]:
    """Exact posteriors under SOURCE of Gaussian classes drawn with ``shares``, and labels."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(4, size=rows, p=shares)
    x = CENTRES[labels] + rng.standard_normal((rows, 4))
    return judged(x), labels


def judged(x: NDArray[np.float64]) -> Rows:
    joint = SOURCE * np.exp(x @ CENTRES.T - 0.5 * np.square(CENTRES).sum(axis=1))
    return Rows.of(x, joint / joint.sum(axis=1, keepdims=True), edible=EDIBLE)


def risk(rows: Rows, labels: Labels) -> float:
    return float((rows.called_edible & (labels == DEADLY)).mean())


@counted("nights", 14, 200)
def test_harm_is_never_waved_through_and_seldom_cried_out_for_nothing(nights: int) -> None:
    """At most 5% of harmful nights pass, at most 20% of those called affected are harmless."""
    waved_through = harmful = affected = rightly = 0
    for seed in range(nights):
        known, labels = photos(SOURCE, 600, 2 * seed)
        shares = HARMFUL if seed % 2 else SOURCE
        night, _ = photos(shares, 300, 2 * seed + 1)
        found = estimate_harm(night, known, labels, deadly=DEADLY, replicates=15, seed=seed)
        harmful += seed % 2
        waved_through += bool(seed % 2) and found.safety == "not_affected"
        affected += found.safety == "affected"
        rightly += bool(seed % 2) and found.safety == "affected"
    assert waved_through <= binom.ppf(1 - 1e-3, harmful, 0.05)
    assert rightly >= binom.ppf(1e-3, affected, 0.8)
    assert affected >= harmful / 2


@counted("worlds", 12, 200)
def test_intervals_of_shares_risk_and_recall_cover(worlds: int) -> None:
    """Nominal 90%; pooled, and with the binomial bound for the runs (not the classes)."""
    hits = np.zeros(3)
    for seed in range(worlds):
        known, labels = photos(SOURCE, 600, 1_000 + 2 * seed)
        night, _ = photos(HARMFUL, 400, 1_001 + 2 * seed)
        found = estimate_harm(night, known, labels, deadly=DEADLY, replicates=25, seed=seed)
        later, truth = photos(HARMFUL, 20_000, 3_000 + seed)
        predicted = later.probabilities.argmax(axis=1)
        recall = np.mean([np.mean(predicted[truth == c] == c) for c in range(4)])
        covers = (found.shares.low <= HARMFUL) & (found.shares.high >= HARMFUL)
        hits += [
            covers.mean(),
            found.risk.low <= risk(later, truth) <= found.risk.high,
            found.recall.low <= recall <= found.recall.high,
        ]
    assert (hits >= binom.ppf(1e-3, worlds, 0.88)).all()


def test_what_shares_do_not_explain_is_unknown() -> None:
    known, labels = photos(SOURCE, 1_000, 1)
    plain, _ = photos(SOURCE, 500, 2)
    moved = judged(plain.features + np.array([0.0, 1.2, 1.2, 0.0]))
    found = estimate_harm(moved, known, labels, deadly=DEADLY)
    assert found.misfit > 2
    assert found.safety != "affected"
    assert estimate_harm(plain, known, labels, deadly=DEADLY).misfit < 2


def test_more_deadly_photos_raise_the_risk_and_leave_recall() -> None:
    known, labels = photos(SOURCE, 2_000, 3)
    night, truth = photos(HARMFUL, 2_000, 4)
    found = estimate_harm(night, known, labels, deadly=DEADLY)
    assert found.safety == "affected"
    assert found.risk.reference == pytest.approx(risk(known, labels), abs=0.02)
    assert found.risk.night == pytest.approx(risk(night, truth), abs=0.03)
    assert found.recall.night == pytest.approx(found.recall.reference, abs=0.06)
    assert found.shares.estimate == pytest.approx(HARMFUL, abs=0.05)


def test_calls_of_the_verdict_replace_the_most_probable_class() -> None:
    known, labels = photos(SOURCE, 400, 5)
    night, _ = photos(HARMFUL, 400, 6)
    quiet, before = (
        Rows.of(rows.features, rows.probabilities, called_edible=np.zeros(400, bool))
        for rows in (night, known)
    )
    found = estimate_harm(quiet, before, labels, deadly=DEADLY)
    assert found.safety == "not_affected"
    assert found.risk.night == 0


def test_too_little_is_refused() -> None:
    known, labels = photos(SOURCE, 200, 7)
    with pytest.raises(InsufficientRows, match="99 labelled rows"):
        estimate_harm(known, known.take(np.arange(99)), labels[:99], deadly=DEADLY)
    with pytest.raises(InsufficientRows, match=r"no labelled row of class \[3\]"):
        estimate_harm(known, known, np.where(labels == 3, 0, labels), deadly=DEADLY)
    with pytest.raises(DimensionMismatch, match="3 labels for 200 rows"):
        estimate_harm(known, known, labels[:3], deadly=DEADLY)
    with pytest.raises(DimensionMismatch, match="2 features, 1 probabilities"):
        Rows.of(np.zeros((2, 3)), np.ones((1, 4)))
