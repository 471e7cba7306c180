"""Evidence against a bound: honest at every look, and quick where the bound is broken."""

import numpy as np
import pytest
from factories.counted import counted

from mycovigil_statistics.safety.e_value import e_value_above, e_values_above
from mycovigil_statistics.safety.proportions import lower_bound

BOUND, NEEDED = 0.05, 20.0


def largest(rate: float, photos: int, seed: int) -> float:
    """The largest e-value of one who looks after every photo."""
    outcomes = np.random.default_rng(seed).random(photos) < rate
    return float(e_values_above(BOUND, outcomes).max())


@counted("runs", 60, 1_000)
def test_a_bound_that_holds_is_seldom_refuted_however_often_one_looks(runs: int) -> None:
    """By Ville's inequality in at most one of twenty runs; exact bound at 1 in 10,000."""
    refuted = sum(largest(BOUND, 100, seed) >= NEEDED for seed in range(runs))
    assert lower_bound(refuted, runs, 1e-4) <= 1 / NEEDED


@pytest.mark.parametrize("bound", [0.01, 0.05, 0.2])
def test_a_life_of_500_random_labels_refutes_few_sound_models(bound: float) -> None:
    """1,000 models that miss exactly as many as promised; looked at after every label."""
    rng = np.random.default_rng(11)
    lives = rng.random((1_000, 500)) < bound
    refuted = sum(e_values_above(bound, life).max() >= NEEDED for life in lives)
    assert refuted <= 50


def test_labels_chosen_by_risk_refute_sound_models() -> None:
    """Why only random ones count: 3% are missed under a bound of 5%, and misses are labelled three
    times as often."""
    chosen = 3 * 0.03 / (3 * 0.03 + 0.97)
    rng = np.random.default_rng(12)
    lives = [
        [e_values_above(BOUND, rng.random(500) < rate).max() >= NEEDED for _ in range(200)]
        for rate in (0.03, chosen)
    ]
    assert sum(lives[0]) <= 10
    assert lower_bound(sum(lives[1]), 200, 1e-4) > 1 / NEEDED


def test_an_interval_a_night_would_refute_a_good_bound_often() -> None:
    """Why a 95% interval for every night is not enough: 40 nights with 10 deadly photos each."""
    missed = np.random.default_rng(0).binomial(10, BOUND, size=(200, 40)).max(axis=1)
    refuted = sum(lower_bound(int(most), 10, 0.025) > BOUND for most in missed)
    assert lower_bound(refuted, 200, 1e-4) > 1 / NEEDED


def test_a_broken_bound_is_refuted_soon() -> None:
    found = [largest(0.3, 40, seed) >= NEEDED for seed in range(50)]
    assert sum(found) >= 45


def test_order_does_not_matter_and_none_is_no_evidence() -> None:
    outcomes = np.array([0, 1, 0, 0.4, 1, 0])
    assert e_value_above(0.1, outcomes) == pytest.approx(e_value_above(0.1, outcomes[::-1]))
    assert e_value_above(0.1, []) == pytest.approx(1.0)
    assert len(e_values_above(0.1, [])) == 0
    ends = [e_value_above(0.1, outcomes[:seen]) for seen in range(1, 7)]
    assert e_values_above(0.1, outcomes) == pytest.approx(ends)
    assert e_value_above(0.1, np.zeros(100)) < 1
    assert e_value_above(0.1, np.ones(10_000)) > 1e200


@pytest.mark.parametrize(("bound", "outcomes"), [(0.0, [1]), (1.0, [1]), (0.1, [2]), (0.1, [-1])])
def test_what_is_no_rate_is_refused(bound: float, outcomes: list[float]) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        e_value_above(bound, outcomes)


def test_the_capital_is_that_of_the_stakes_that_the_docstring_names() -> None:
    """Written out plainly: a bet on each rate above the bound, spread evenly in its logarithm."""
    outcomes = [1, 0, 1, 0, 0]
    rates = [BOUND ** (1 - (number + 0.5) / 32) for number in range(32)]
    capitals = []
    for rate in rates:
        stake, capital = (rate - BOUND) / (BOUND * (1 - BOUND)), 1.0
        for outcome in outcomes:
            capital *= 1 + stake * (outcome - BOUND)
        capitals.append(capital)
    assert e_value_above(BOUND, outcomes) == pytest.approx(sum(capitals) / len(capitals))
    with pytest.raises(ValueError, match="outcomes from 0 to 1"):
        e_value_above(BOUND, [0, 2])
