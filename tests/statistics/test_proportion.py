"""Clopper-Pearson bounds and the score interval."""

import numpy as np
import pytest

from mycovigil_statistics.safety.proportions import (
    interval,
    lower_bound,
    score_interval,
    upper_bound,
)


@pytest.mark.parametrize(("n", "bound"), [(50, 0.058), (299, 0.010)])
def test_no_misses_leave_the_bound_of_the_rule_of_three(n: int, bound: float) -> None:
    assert upper_bound(0, n) == pytest.approx(1 - 0.05 ** (1 / n))
    assert upper_bound(0, n) == pytest.approx(bound, abs=5e-4)


def test_bounds_are_mirror_images() -> None:
    assert lower_bound(3, 20, 0.1) == pytest.approx(1 - upper_bound(17, 20, 0.1))
    assert upper_bound(20, 20) == 1.0
    assert lower_bound(0, 20) == 0.0


def test_nothing_observed_says_nothing() -> None:
    empty = interval(0, 0)
    assert np.isnan(empty.estimate)
    assert (empty.low, empty.high) == (0.0, 1.0)


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="5 successes in 4 trials"):
        upper_bound(5, 4)


def test_the_interval_covers_at_least_its_level() -> None:
    rng = np.random.default_rng(1)
    drawn = rng.binomial(40, 0.07, size=4_000)
    bounds = {k: interval(k, 40) for k in set(drawn.tolist())}
    covered = np.mean([bounds[k].low <= 0.07 <= bounds[k].high for k in drawn.tolist()])
    assert covered >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 4_000)


def test_the_score_interval_is_narrower_and_covers_near_its_level() -> None:
    rng = np.random.default_rng(2)
    drawn = rng.binomial(200, 0.05, size=4_000)
    bounds = {k: score_interval(k, 200, 0.90) for k in set(drawn.tolist())}
    covered = np.mean([bounds[k].low <= 0.05 <= bounds[k].high for k in drawn.tolist()])
    assert abs(covered - 0.90) < 0.03
    exact, score = interval(10, 200, 0.90), bounds[10]
    assert score.high - score.low < exact.high - exact.low


def test_a_score_interval_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no trials"):
        score_interval(0, 0)


def test_an_interval_holds_its_figures_and_two_bounds_at_half_of_what_is_left() -> None:
    exact = interval(3, 20, level=0.9)
    assert (exact.estimate, exact.successes, exact.trials) == (0.15, 3, 20)
    assert exact.low == pytest.approx(lower_bound(3, 20, 0.05))
    assert exact.high == pytest.approx(upper_bound(3, 20, 0.05))
    score = score_interval(3, 20)
    assert (score.estimate, score.successes, score.trials) == (0.15, 3, 20)
    assert exact.low < score.low < score.high


def test_nothing_observed_is_no_estimate() -> None:
    nothing = interval(0, 0)
    assert np.isnan(nothing.estimate)
    assert (nothing.low, nothing.high) == (0.0, 1.0)
    with pytest.raises(ValueError, match="no trials"):
        score_interval(0, 0)
