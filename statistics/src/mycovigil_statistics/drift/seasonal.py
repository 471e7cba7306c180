"""A reference for this time of the year: rows of the same season in earlier years weigh more.

Mushrooms have seasons, so autumn after a summer's reference is no drift. Rows are drawn without
replacement, with a weight by their distance from the day in the circle of the year, on top of a
floor that keeps some of every season (a night may hold what is out of season).
"""

from datetime import date

import numpy as np
from numpy.typing import ArrayLike

from mycovigil_statistics.errors import InsufficientRows
from mycovigil_statistics.sample import FloatArray, Groups, IntArray, units_of

YEAR_DAYS = 365.25
BANDWIDTH_DAYS = 10.0
FLOOR = 0.01


def seasonal_weights(
    captured: ArrayLike,
    day: date,
    *,
    bandwidth_days: float = BANDWIDTH_DAYS,
    floor: float = FLOOR,
) -> FloatArray:
    """(n,) weights in [floor, 1] for nights at `day`, of rows captured on (n,) `datetime64` dates.

    A Gaussian kernel on the circle of the year; a missing date (NaT) has the floor's weight.
    """
    dates = np.asarray(captured, "datetime64[D]")
    away = (dates - np.datetime64(day, "D")).astype(np.float64) % YEAR_DAYS
    away = np.where(np.isnat(dates), np.inf, np.minimum(away, YEAR_DAYS - away))
    kernel = np.exp(-0.5 * np.square(away / bandwidth_days))
    return np.asarray(floor + (1 - floor) * kernel)


def seasonal_rows(
    captured: ArrayLike,
    day: date,
    rows: int,
    *,
    groups: Groups = None,
    bandwidth_days: float = BANDWIDTH_DAYS,
    floor: float = FLOOR,
    seed: int = 0,
) -> IntArray:
    """Sorted numbers of about `rows` rows, captured before `day`, that make its seasonal reference.

    Whole groups are drawn (Efraimidis and Spirakis, 2006, Weighted random sampling with a
    reservoir), each with the mean weight of its rows. What was captured on `day` or later is
    never taken; rows without a date may be.

    Raises `InsufficientRows` if fewer rows were captured before, `DimensionMismatch` if groups
    and dates differ in number.
    """
    dates = np.asarray(captured, "datetime64[D]")
    units = units_of(groups, np.arange(len(dates)))
    earlier = np.flatnonzero(np.isnat(dates) | (dates < np.datetime64(day, "D")))
    if len(earlier) < rows:
        raise InsufficientRows(f"{len(earlier)} rows were captured before {day}, {rows} are asked")
    weights = seasonal_weights(dates[earlier], day, bandwidth_days=bandwidth_days, floor=floor)
    _, unit, sizes = np.unique(units[earlier], return_inverse=True, return_counts=True)
    mean = np.bincount(unit, weights) / sizes
    keys = np.log(np.random.default_rng(seed).random(len(mean))) / mean
    order = np.argsort(-keys, kind="stable")
    last = int(np.searchsorted(np.cumsum(sizes[order]), rows))
    return np.sort(earlier[np.isin(unit, order[: last + 1])])
