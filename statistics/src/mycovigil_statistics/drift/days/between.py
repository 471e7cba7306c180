"""How far a day lies from other days, in units of what days and photos vary by.

Random-effects model of a column: the mean of day d is a common mean, plus a day effect of variance
`between`, plus the error of its units, `within` / units (DerSimonian and Laird, 1986; overdispersed
control charts: Laney, 2002). The squared distance of a new day over its variance under that model
is averaged over the columns; a calm day's is near 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mycovigil_statistics.drift.days.sketch import DaySketch, Moments
from mycovigil_statistics.errors import InsufficientRows

Vector = NDArray[np.float64]
LEAST_DAYS = 3
# Days differ a little even where the baseline is too short to show it: day effects of .3% of a
# photo's variance, with the weight of 3 days.
PRIOR_RATIO, PRIOR_DAYS = 0.003, 3.0
# A column's own day variance is drawn towards the common ratio with the weight of 4 days.
COLUMN_DAYS = 4.0
# Weight, in units, of a column's variance on the rows that the geometry was learned from: the share
# of a rare kind of photo that no day of the baseline had is not known to be 0. With a weight of 10
# one such photo made a week alarm.
GEOMETRY_UNITS = 300.0
# A window of so many nights is compared without the night that makes it strangest: a shift that
# lasts is seen without any one of its nights, and one night far off is for the test of that night.
LEAST_TRIMMED = 5
# Weight, in days, of what the columns' correlation on photos says of that between days.
EFFECTIVE_DAYS = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """One view of K days in order of time: `means` (K, c), `units` (K,), pooled `within` (c,)."""

    means: Vector
    units: Vector
    variances: Vector

    def __post_init__(self) -> None:
        if len(self.means) < LEAST_DAYS:
            raise InsufficientRows(f"{len(self.means)} days, {LEAST_DAYS} are needed")

    @classmethod
    def of(cls, days: Sequence[DaySketch], view: str) -> "Baseline":
        parts = [day.views[view] for day in days]
        return cls(
            np.stack([part.mean for part in parts]),
            np.array([part.units for part in parts], np.float64),
            np.stack([part.variance for part in parts]),
        )

    @property
    def within(self) -> Vector:
        """(c,) variance of a unit around its day's mean, pooled over the days.

        Drawn towards 1, the variance on the rows that the geometry was learned from: a column that
        never varied in the baseline may vary tonight.
        """
        free = self.units - 1
        return _pooled(free @ self.variances, free.sum())

    def day_variance(self) -> Vector:
        """(c,) variance of the day effects, each column's drawn towards a common ratio."""
        plain = self.means.var(axis=0, ddof=1)
        return drawn_variance(plain, self.within, len(self.means), (1 / self.units).mean())

    def distance(self, mean: Vector, units: float, nights: int = 1) -> float:
        """Mean over columns of the squared distance of a new mean over its variance.

        `units`: of the new mean; `nights`: over how many nights it is the mean.
        """
        days, within, between = len(self.means), self.within, self.day_variance()
        error = within * (1 / units + (1 / self.units).mean() / days)
        variance = error + between * (1 / nights + 1 / days)
        return float(((mean - self.means.mean(axis=0)) ** 2 / variance).mean())

    def window_distance(self, nights: Sequence[Moments]) -> float:
        """Distance of the mean of some nights; of five and more, the smallest without one."""
        parts = ([nights[i] for i in part] for part in window_parts(len(nights)))
        return min(self.distance(*pooled_night(part), len(part)) for part in parts)

    def _likeness(self, correlation: float) -> float:
        """Mean over days of the sum of squared correlations of its mean with all days': 1 if days
        are independent."""
        ratio, error = (self.day_variance() / self.within).mean(), (1 / self.units).mean()
        squared, days = correlation**2, len(self.units)
        lags = np.arange(1, days)
        sum_of_lags = ((1 - lags / days) * squared**lags).sum()
        return float(1 + 2 * (ratio / (ratio + error)) ** 2 * sum_of_lags)

    def own_distances(self) -> Vector:
        """(K,) each day's distance from the others, with what was learned without it."""
        free = self.units - 1
        squares = free @ self.variances - free[:, None] * self.variances
        return leave_one_out(self.means, self.units, _pooled(squares, (free.sum() - free)[:, None]))

    def effective_columns(self, correlation: float = 0.0) -> float:
        """(sum of eigenvalues)² / sum of their squares of the day means' covariance.

        Days can move together in a few directions only, so that their distances scatter as if there
        were few columns. Estimated without bias from the days' Gram matrix (Srivastava, 2005), and
        drawn towards decorrelated columns with the weight of four days.

        `correlation`: of neighbouring days' effects, which makes columns look fewer.
        """
        days, columns = self.means.shape
        scaled = self.means / np.sqrt(self.within)
        centred = scaled - scaled.mean(axis=0)
        free = max((days - 1) / self._likeness(correlation), LEAST_DAYS - 1)
        gram = centred @ centred.T / (days - 1)
        trace = float(np.trace(gram))
        if trace <= 0:
            return float(columns)
        squares = float(np.square(gram).sum()) / trace**2
        unbiased = free**2 / ((free - 1) * (free + 2)) * (squares - 1 / free)
        seen = float(np.clip(unbiased, 1 / columns, 1.0))
        pooled = (free * seen + EFFECTIVE_DAYS / columns) / (free + EFFECTIVE_DAYS)
        return float(1 / pooled)


def _pooled(squares: Vector, freedom: Vector | float) -> Vector:
    return np.asarray((squares + GEOMETRY_UNITS) / (freedom + GEOMETRY_UNITS))


def leave_one_out(means: Vector, units: Vector, within: Vector) -> Vector:
    """(..., K) distance of each day from the others: of (..., K, c) day means of (K,) units, with
    (K, c) variances of a unit, learned without the day; they broadcast."""
    days, others = len(units), len(units) - 1
    errors = 1 / units
    centred = means - means.mean(axis=-2, keepdims=True)
    squares = np.square(centred)
    left = squares.sum(axis=-2, keepdims=True) - squares * (days / others)
    error = ((errors.sum() - errors) / others)[:, None]
    between = drawn_variance(np.maximum(left, 0) / (others - 1), within, others, error)
    variance = within * (errors[:, None] + error / others) + between * (1 + 1 / others)
    return np.asarray((squares * (days / others) ** 2 / variance).mean(axis=-1))


def drawn_variance(plain: Vector, within: Vector, days: int, error: Vector | float) -> Vector:
    """(..., c) day variances from plain variances of `days` day means whose units' error adds
    `error` times `within`: each column's drawn towards a common ratio."""
    own = plain - within * error
    ratio = np.asarray((own / within).mean(axis=-1, keepdims=True))
    common = (ratio * (days - 1) + PRIOR_RATIO * PRIOR_DAYS) / (days - 1 + PRIOR_DAYS)
    pull = COLUMN_DAYS / (COLUMN_DAYS + days)
    return np.asarray(pull * np.maximum(common, 0) * within + (1 - pull) * np.maximum(own, 0))


def window_parts(nights: int) -> list[list[int]]:
    """Places of the nights whose means are compared: all of a short window, or all but one."""
    places = list(range(nights))
    if nights < LEAST_TRIMMED:
        return [places]
    return [places[:left] + places[left + 1 :] for left in places]


def pooled_night(nights: Sequence[Moments]) -> tuple[Vector, float]:
    """The mean of the nights' means, and the units that carry as much as it does."""
    mean = np.mean([night.mean for night in nights], axis=0)
    units = len(nights) ** 2 / sum(1 / night.units for night in nights)
    return np.asarray(mean), float(units)
