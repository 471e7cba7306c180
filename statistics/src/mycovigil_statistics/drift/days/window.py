"""Several nights as one: a null distribution from whole simulated series of days.

Days resemble their neighbours, so that the mean of a week of them varies more than that of seven
random ones (measured at level .005 with an autocorrelation of .5: random subsets of the baseline
alarm in 21 to 96% of calm weeks). Series are drawn with the baseline's day variance and lag-one
autocorrelation, and the whole procedure is repeated on each.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from mycovigil_statistics.drift.days.between import Baseline

Vector = NDArray[np.float64]
SERIES = 999
MOST_CORRELATION = 0.8
LEAST_DAYS = 3


@dataclass(frozen=True, slots=True)
class Series:
    """A baseline of `days` days of `units` units and a window of `nights`, in `columns` columns.

    `ratio`: day variance over a unit's; `correlation`: of neighbouring days' effects.
    """

    days: int
    nights: int
    units: float
    columns: int
    ratio: float
    correlation: float

    def log_distances(self, generator: np.random.Generator, count: int = SERIES) -> Vector:
        """(count,) log distances of the window in simulated series without drift."""
        found = np.empty(count)
        for number in range(count):
            means = self._draw(generator)
            baseline = Baseline(
                means[: self.days],
                np.full(self.days, self.units),
                np.ones((self.days, self.columns)),
            )
            window = means[self.days :].mean(axis=0)
            found[number] = baseline.distance(window, self.units * self.nights, self.nights)
        return np.log(np.maximum(found, 1e-12))

    def _draw(self, generator: np.random.Generator) -> Vector:
        length = self.days + self.nights
        shocks = generator.standard_normal((length, self.columns))
        effects = np.empty_like(shocks)
        effects[0] = shocks[0]
        fresh = np.sqrt(1 - self.correlation**2)
        for day in range(1, length):
            effects[day] = self.correlation * effects[day - 1] + fresh * shocks[day]
        errors = generator.standard_normal((length, self.columns)) / np.sqrt(self.units)
        return np.asarray(np.sqrt(self.ratio) * effects + errors)


def series_of(baseline: Baseline, nights: int) -> Series:
    """What the baseline says of its days, pooled over columns."""
    within = baseline.within
    scaled = baseline.means / np.sqrt(within)
    ratio = float((baseline.day_variance() / within).mean())
    return Series(
        days=len(scaled),
        nights=nights,
        units=float(1 / (1 / baseline.units).mean()),
        columns=max(1, round(baseline.effective_columns())),
        ratio=ratio,
        correlation=_autocorrelation(scaled, ratio),
    )


def window_p_value(series: Series, log_distance: float, generator: np.random.Generator) -> float:
    """Chance of so large a log distance without drift: the rank among simulated series, continued
    beyond the largest of them by a normal tail."""
    null = series.log_distances(generator)
    rank = (1 + int((null >= log_distance).sum())) / (len(null) + 1)
    if rank > 5 / (len(null) + 1):
        return rank
    return min(rank, float(norm.sf((log_distance - null.mean()) / null.std(ddof=1))))


def _autocorrelation(scaled: Vector, ratio: float) -> float:
    """Of the day effects: sampling errors are independent, so that they lower the plain estimate;
    a short series lowers it by about (1 + 4 r) / K (Kendall, 1954)."""
    days = len(scaled)
    if ratio <= 0 or days < LEAST_DAYS:
        return 0.0
    centred = scaled - scaled.mean(axis=0)
    covariance = float((centred[1:] * centred[:-1]).mean())
    plain = covariance / ratio
    return float(np.clip(plain + (1 + 4 * max(plain, 0.0)) / days, 0.0, MOST_CORRELATION))
