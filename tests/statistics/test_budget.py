"""The month's false alarms: what is spent, when, and that it suffices."""

import numpy as np
import pytest
from scipy.stats import binom, norm

from mycovigil_statistics.drift.budget import MonthlyBudget, pool_is_enough


@pytest.mark.parametrize("days", [28, 29, 30, 31])
@pytest.mark.parametrize(("models", "slices"), [(1, 1), (3, 1), (2, 8)])
def test_the_levels_sum_to_the_budget(days: int, models: int, slices: int) -> None:
    plan = MonthlyBudget(0.10, models, slices, days).plan()
    assert sum(plan.values()) * models * slices == pytest.approx(0.10)


def test_long_windows_are_due_on_their_days_only() -> None:
    budget = MonthlyBudget()
    assert budget.windows(1) == (1,)
    assert budget.windows(7) == budget.windows(28) == (1, 7)
    assert budget.windows(15) == (1, 15)
    assert budget.windows(30) == (1, 30)
    assert budget.level(window_days=1, day_of_month=3) == pytest.approx(0.04 / 30)
    assert budget.level(window_days=7, day_of_month=14) == pytest.approx(0.005)
    assert budget.level(window_days=7, day_of_month=13) == 0


def test_dependent_tests_stay_within_the_budget() -> None:
    """Windows share nights, and all of them share the error of one reference."""
    months, budget, generator = 4_000, MonthlyBudget(), np.random.default_rng(0)
    nights = generator.standard_normal((months, 30))
    shared = 0.05 * generator.standard_normal((months, 1))
    paged = np.zeros(months, bool)
    for (window, day), level in budget.plan().items():
        rows = nights[:, day - window : day]
        z = (rows.sum(axis=1) + window * shared[:, 0]) / np.sqrt(window + 0.0025 * window**2)
        paged |= norm.sf(z) <= level
    assert paged.mean() > 0.03
    assert paged.sum() <= binom.ppf(1 - 1e-4, months, 0.10)


def test_impossible_budgets_and_days_are_refused() -> None:
    for wrong in (
        {"total": 0.0}, {"total": 1.0}, {"models": 0}, {"slices": 0}, {"days": 27},
    ):  # fmt: skip
        with pytest.raises(ValueError, match="budget"):
            MonthlyBudget(**wrong)
    with pytest.raises(ValueError, match="day 31"):
        MonthlyBudget().windows(31)


def test_the_pool_must_hold_25_nights() -> None:
    assert pool_is_enough(5_000, 200)
    assert not pool_is_enough(4_999, 200)
