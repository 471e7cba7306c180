"""Several nights as one: a null distribution from whole simulated series of days.

Days resemble their neighbours, so that the mean of a week of them varies more than that of seven
random ones (measured at level .005 with an autocorrelation of .5: random subsets of the baseline
alarm in 21 to 96% of calm weeks). Series are drawn with the baseline's day variance and lag-one
autocorrelation, and the whole procedure is repeated on each.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from mycovigil_statistics.drift.days.between import Baseline, Vector, drawn_variance, leave_one_out
from mycovigil_statistics.drift.days.sketch import Moments

SERIES, SERIES_AT_ONCE = 600, 100
MOST_CORRELATION = 0.8
# So many windows must fit in the baseline for one to page: fewer say little of what windows do.
WINDOWS_IN_BASELINE = 4
# Where as many simulated series lie beyond, their count is the p-value, else a normal tail.
RANKED = 5


def may_page(nights: int, baseline_days: int) -> bool:
    """Whether a window of so many nights may page, or only inform: four such windows must fit in
    the baseline. A single night needs three days."""
    return baseline_days >= (3 if nights == 1 else WINDOWS_IN_BASELINE * nights)


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
    """A baseline of days of (K,) `units` units and a window of nights of (n,) `nights` units, in
    `columns` columns.

    `ratio`: day variance over a unit's; `correlation`: of neighbouring days' effects.
    """

    units: Vector
    nights: Vector
    columns: int
    ratio: float
    correlation: float

    def null(self, generator: np.random.Generator, count: int = SERIES) -> SimulatedNull:
        """What the procedure gives on simulated series without drift."""
        parts = [self._above(generator, SERIES_AT_ONCE) for _ in range(-(-count // SERIES_AT_ONCE))]
        return SimulatedNull(np.concatenate(parts)[:count])

    def _above(self, generator: np.random.Generator, count: int) -> Vector:
        means = self._draw(generator, count)
        days, nights = len(self.units), len(self.nights)
        units = self.units.astype(np.float32)
        baseline, window = means[:, :days], means[:, days:].mean(axis=1)
        one, error = np.ones(1, np.float32), (1 / units).mean()
        between = drawn_variance(baseline.var(axis=1, ddof=1), one, days, error)
        noise = (1 / self.nights).mean() / nights + error / days
        variance = noise + between * (1 / nights + 1 / days)
        distance = np.square(window - baseline.mean(axis=1)) / variance
        own = leave_one_out(baseline, units, one)
        return np.asarray(np.log(distance.mean(axis=-1)) - np.log(own).mean(axis=-1))

    def _draw(self, generator: np.random.Generator, count: int) -> Vector:
        """(count, K + n, c) day means."""
        units = np.concatenate([self.units, self.nights])
        shape = (count, len(units), self.columns)
        shocks = generator.standard_normal(shape, np.float32)
        errors = generator.standard_normal(shape, np.float32)
        errors /= np.sqrt(units, dtype=np.float32)[:, None]
        fresh = np.float32(np.sqrt(1 - self.correlation**2))
        correlation, size = np.float32(self.correlation), np.float32(np.sqrt(self.ratio))
        for day in range(1, len(units)):
            shocks[:, day] = correlation * shocks[:, day - 1] + fresh * shocks[:, day]
        return np.asarray(size * shocks + errors)


def series_of(baseline: Baseline, nights: Sequence[Moments]) -> Series:
    """What the baseline says of its days, pooled over columns, and the nights' units."""
    within = baseline.within
    scaled = baseline.means / np.sqrt(within)
    ratio = float((baseline.day_variance() / within).mean())
    return Series(
        units=baseline.units,
        nights=np.array([night.units for night in nights], np.float64),
        columns=max(1, round(baseline.effective_columns())),
        ratio=ratio,
        correlation=autocorrelation(scaled, ratio),
    )


def autocorrelation(scaled: Vector, ratio: float) -> float:
    """Of neighbouring days' effects, from (K, c) day means in standard deviations of a unit.

    Sampling errors are independent, so that they lower the plain estimate; a short series lowers it
    by about (1 + 4 r) / K (Kendall, 1954).
    """
    days = len(scaled)
    if ratio <= 0:
        return 0.0
    centred = scaled - scaled.mean(axis=0)
    plain = float((centred[1:] * centred[:-1]).mean()) / ratio
    return float(np.clip(plain + (1 + 4 * max(plain, 0.0)) / days, 0.0, MOST_CORRELATION))
