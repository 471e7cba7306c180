"""Several nights as one: a null distribution from whole simulated series of days.

Days resemble their neighbours, so that the mean of a week of them varies more than that of seven
random ones (measured at level .005 with an autocorrelation of .5: random subsets of the baseline
alarm in 21 to 96% of calm weeks). Series are drawn with the baseline's day variance and lag-one
autocorrelation, and the whole procedure is repeated on each. Of five and more nights the strangest
one is left out (`Baseline.window_distance`): days with t(4)-distributed effects made .034 of calm
weeks alarm with it, .003 without.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
from scipy.stats import norm

from mycovigil_statistics.drift.days.between import (
    Baseline,
    Vector,
    drawn_variance,
    leave_one_out,
    window_parts,
)

SERIES, SERIES_AT_ONCE = 600, 100
MOST_CORRELATION = 0.8
# Weight of the correlation that all views share, in independent products of days' effects.
POOLED_WEIGHT = 100.0
# So many windows must fit in the baseline for one to page: fewer say little of what windows do.
# Weeks keep their level from two on (counted in benchmarks/drift_short_weeks.py).
WEEK, WEEKS_IN_BASELINE, WINDOWS_IN_BASELINE = 7, 2, 4
# Where as many simulated series lie beyond, their count is the p-value, else a normal tail.
RANKED = 5


def may_page(nights: int, baseline_days: int) -> bool:
    """Whether a window of so many nights may page, or only inform: four such windows must fit in
    the baseline, or two weeks where it is at most a week long. A single night needs three days."""
    if nights <= WEEK:
        return baseline_days >= (3 if nights == 1 else WEEKS_IN_BASELINE * WEEK)
    return baseline_days >= WINDOWS_IN_BASELINE * nights


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedNull:
    """Log distances of windows without drift, above the mean of their baseline's own: `values`."""

    values: Vector

    def p_value(self, above: float) -> float:
        """Chance of so large a log distance: the rank among simulated series, continued by a
        normal tail."""
        beyond, count = int((self.values >= above).sum()), len(self.values)
        rank = (1 + beyond) / (count + 1)
        if beyond >= RANKED:
            return rank
        return min(rank, float(norm.sf(above, self.values.mean(), self.values.std(ddof=1))))

    def quantile(self, level: float) -> float:
        """The log distance that a window without drift exceeds with chance `level`."""
        if level * (len(self.values) + 1) > RANKED:
            return float(np.quantile(self.values, 1 - level))
        return float(norm.isf(level, self.values.mean(), self.values.std(ddof=1)))


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """A baseline of days of (K,) `units` units and a window of nights of (n,) `nights` units.

    `ratios`: (c,) day variances over a unit's; `correlation`: of neighbouring days' effects;
    `spread`, `freedom`: standard deviation and degrees of freedom of the log scale of a day's
    squared effects.
    """

    units: Vector
    nights: Vector
    ratios: Vector
    correlation: float
    spread: float
    freedom: float

    def null(self, generator: np.random.Generator, count: int = SERIES) -> SimulatedNull:
        """What the procedure gives on simulated series without drift."""
        parts = [self._above(generator, SERIES_AT_ONCE) for _ in range(-(-count // SERIES_AT_ONCE))]
        return SimulatedNull(np.concatenate(parts)[:count])

    def _above(self, generator: np.random.Generator, count: int) -> Vector:
        means = self._draw(generator, count)
        days = len(self.units)
        baseline, one, error = means[:, :days], np.ones(1), (1 / self.units).mean()
        between = drawn_variance(baseline.var(axis=1, ddof=1), one, days, error)
        centred = means[:, days:] - baseline.mean(axis=1, keepdims=True)
        distances = []
        for part in window_parts(len(self.nights)):
            noise = (1 / self.nights[part]).mean() / len(part) + error / days
            variance = noise + between * (1 / len(part) + 1 / days)
            distances.append((np.square(centred[:, part].mean(axis=1)) / variance).mean(axis=-1))
        own = leave_one_out(baseline, self.units, one)
        return np.asarray(np.log(np.min(distances, axis=0)) - np.log(own).mean(axis=-1))

    def _draw(self, generator: np.random.Generator, count: int) -> Vector:
        """(count, K + n, c) day means."""
        units = np.concatenate([self.units, self.nights])
        shape = (count, len(units), len(self.ratios))
        effects = generator.standard_normal(shape, np.float32)
        fresh = np.float32(np.sqrt(1 - self.correlation**2))
        for day in range(1, len(units)):
            effects[:, day] *= fresh
            effects[:, day] += np.float32(self.correlation) * effects[:, day - 1]
        scales = np.exp(self.spread / 2 * generator.standard_t(self.freedom, (*shape[:2], 1)))
        errors = generator.standard_normal(shape, np.float32) / np.sqrt(units)[:, None]
        return np.asarray(np.sqrt(self.ratios) * scales * effects + errors)


def series_of(
    baseline: Baseline, nights: Vector, correlation: float, spread: float, freedom: float
) -> Series:
    """What the baseline says of a view's days, for a window of nights of (n,) units.

    As many columns as are effective, with ratios spread as those of the view's columns are.
    """
    columns = max(1, round(baseline.effective_columns(correlation)))
    ratios = baseline.day_variance() / baseline.within
    drawn = np.quantile(ratios, (np.arange(columns) + 0.5) / columns)
    return Series(baseline.units, nights, drawn, correlation, spread, freedom)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Of some columns of K days: sum of the products of neighbouring days' effects, sum of the
    effects' variances, and how many products of effects without error they are worth."""

    products: float
    variances: float
    weight: float
    days: int

    @classmethod
    def of(cls, view: Baseline) -> "Neighbours":
        """Sampling errors are independent; around the days' mean their products are negative."""
        scaled = view.means / np.sqrt(view.within)
        centred = scaled - scaled.mean(axis=0)
        error, days = float((1 / view.units).mean()), len(scaled)
        products = (centred[1:] * centred[:-1]).mean(axis=0) + error / days
        ratios = view.day_variance() / view.within
        share = float(ratios.mean() / (ratios.mean() + error))
        weight = days * view.effective_columns() * share**2
        return cls(float(products.sum()), float(ratios.sum()), weight, days)

    def __add__(self, other: "Neighbours") -> "Neighbours":
        return Neighbours(
            self.products + other.products,
            self.variances + other.variances,
            self.weight + other.weight,
            self.days,
        )

    @property
    def correlation(self) -> float:
        """A short series lowers the plain estimate by about (1 + 4 r) / K (Kendall, 1954)."""
        plain = self.products / self.variances if self.variances > 0 else 0.0
        corrected = plain + (1 + 4 * max(plain, 0.0)) / self.days
        return float(np.clip(corrected, 0.0, MOST_CORRELATION))


def autocorrelations(views: Sequence[Baseline]) -> list[float]:
    """Of neighbouring days' effects in each view, drawn towards that of all views' columns where a
    view has few columns, or its days differ little beside their error."""
    each = [Neighbours.of(view) for view in views]
    pooled = reduce(add, each).correlation
    return [
        (one.weight * one.correlation + POOLED_WEIGHT * pooled) / (one.weight + POOLED_WEIGHT)
        for one in each
    ]
