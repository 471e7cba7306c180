"""Which windows end with a night, and the level each may alarm at: the month's fixed plan.

A single night's share is halved between the whole night and its predicted classes, which are
compared with days by sketches of their own. All other slices inform, and have no share.
"""

from mycovigil.settings import DriftSettings
from mycovigil_statistics.drift.budget import MonthlyBudget

# Periods that share one budget, counted from the epoch like the windows.
MONTH = 30


def nightly_level(drift: DriftSettings) -> float:
    """What the whole of a single night may spend; its predicted classes together may spend as
    much again."""
    return MonthlyBudget(total=drift.monthly_budget, slices=2, days=MONTH).level(1, 1)


def levels_of(night_index: int, drift: DriftSettings) -> dict[int, float]:
    """Level by length in periods of every window that ends with this night.

    Only the production model may page, so a month's budget serves one model at a time.
    """
    budget = MonthlyBudget(total=drift.monthly_budget, days=MONTH)
    day = night_index % MONTH + 1
    lengths = set(budget.windows(day)) & set(drift.windows)
    longer = {length: budget.level(length, day) for length in lengths - {1}}
    return longer | ({1: nightly_level(drift)} if 1 in lengths else {})
