"""The Pearson III tail against SciPy."""

import numpy as np
import pytest
from scipy.stats import chi2, pearson3

from mycovigil_statistics.drift.views.tails import LEAST_P, column_tails, pearson3_tail


@pytest.mark.parametrize("skew", [0.05, 0.3, 1.0, 2.0, 4.0])
def test_it_agrees_with_scipy(skew: float) -> None:
    z = np.linspace(-1.5, 12, 60)
    expected = pearson3(skew).sf(z)
    assert pearson3_tail(z, skew) == pytest.approx(expected, rel=1e-6, abs=1e-14)


def test_it_extrapolates_a_quadratic_statistic_beyond_its_sample() -> None:
    calm = np.random.default_rng(0).chisquare(8, (4_000, 1))
    calm[0] = 40.0
    tail = column_tails(calm)[0, 0]
    assert chi2(8).sf(40) / 10 < tail < chi2(8).sf(40) * 10


def test_a_column_without_spread_says_nothing() -> None:
    assert (column_tails(np.full((50, 2), 3.0)) == 1).all()


def test_no_tail_is_zero() -> None:
    values = np.zeros((1_000, 1))
    values[0] = 1e6
    assert column_tails(values)[0, 0] >= LEAST_P
