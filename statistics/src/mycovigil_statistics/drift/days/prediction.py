"""Is a night stranger than the baseline's days are? A prediction interval for the log distance.

The squared distance of a calm day, averaged over a view's columns, is a chi-square variable over
its degrees of freedom, times a scale that differs by the day: days with weather, an outing, a new
client. The log scale is taken to be t-distributed, and learned from the baseline's own days
(Geisser, 1993, Predictive Inference: the predictive distribution of a future observation).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaincc, polygamma

from mycovigil_statistics.drift.days.between import Baseline, Vector
from mycovigil_statistics.drift.days.sketch import DaySketch, Moments
from mycovigil_statistics.drift.days.window import SimulatedNull, series_of

# A baseline of few days cannot know how much their scales scatter: this much, as a standard
# deviation of logs, with the weight of so many days.
SCALE_SPREAD, SCALE_DAYS = 0.4, 6.0
# Oddity is of squares, so that a day whose effect is twice as large lies four times as far: its log
# scale scatters at least this much, however alike the days of the baseline were.
LEAST_SPREAD = {"oddity": 0.3}
# Real days have heavy tails: degrees of freedom of the log scale are capped (measured in
# benchmarks/drift_days.py with t-distributed day effects).
MOST_FREEDOM = 8.0
GRID = np.linspace(-40.0, 40.0, 401)
# Bisection of the log distance that is just seen.
STEPS = 40


@dataclass(frozen=True, slots=True)
class LogDistance:
    """Predictive distribution of a calm night's log distance above the mean of the days' own.

    `columns`: degrees of freedom of the chi-square part; `spread`, `freedom`: standard deviation
    and degrees of freedom of the log scale.
    """

    columns: float
    spread: float
    freedom: float

    def p_value(self, above: float) -> float:
        """P(log distance >= `above`): the chi-square tail, averaged over the scale."""
        centre = digamma(self.columns / 2) + np.log(2 / self.columns)
        needed = np.exp(np.clip(above + centre - self.spread * GRID, -50, 50)) * self.columns
        weights = (1 + GRID**2 / self.freedom) ** (-(self.freedom + 1) / 2)
        return float(weights @ gammaincc(self.columns / 2, needed / 2) / weights.sum())

    def quantile(self, level: float) -> float:
        """The log distance that a calm night exceeds with chance `level`."""
        low, high = 0.0, 50.0
        for _ in range(STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.p_value(middle) > level else (low, middle)
        return high


@dataclass(frozen=True, slots=True)
class DayView:
    """One view of a night beside the baseline's days.

    `ratio`: the night's shift over what days differ by, 1 for a typical day; `rank`: 1 if no day of
    the baseline lies as far from the others; `null`: how calm nights' log distances are predicted.
    """

    name: str
    p_value: float
    ratio: float
    rank: int
    null: LogDistance | SimulatedNull

    def detectable(self, level: float) -> float:
        """The smallest ratio that would have had `p_value` <= level."""
        return float(np.exp(self.null.quantile(level) / 2))


@dataclass(frozen=True, slots=True, eq=False)
class ViewBaseline:
    """One view of the baseline's days; `own`: (K,) log distances of each day from the others."""

    name: str
    baseline: Baseline
    own: Vector

    @classmethod
    def of(cls, days: Sequence[DaySketch], view: str) -> "ViewBaseline":
        baseline = Baseline.of(days, view)
        return cls(view, baseline, log_distances(baseline.own_distances()))

    @property
    def night(self) -> LogDistance:
        """Log distances of a calm night above the mean of the days' own."""
        return predicted(self.own, self.baseline.effective_columns(), self.name)

    def window(
        self, nights: Sequence[Moments], correlation: float, generator: np.random.Generator
    ) -> SimulatedNull:
        """The same of a calm window's mean; it depends on the nights' units alone.

        `correlation`: of neighbouring days' effects; `generator`: of the simulated series.
        """
        units = np.array([night.units for night in nights], np.float64)
        scale = self.night
        series = series_of(self.baseline, units, correlation, scale.spread, scale.freedom)
        return series.null(generator)

    def compared(self, nights: Sequence[Moments], null: "LogDistance | SimulatedNull") -> DayView:
        """A night, or a window, beside the days."""
        distance = np.array([self.baseline.window_distance(nights)])
        above = float(log_distances(distance)[0] - self.own.mean())
        rank = 1 + int((self.own - self.own.mean() >= above).sum())
        return DayView(self.name, null.p_value(above), float(np.exp(above / 2)), rank, null)


def predicted(own: Vector, columns: float, view: str) -> LogDistance:
    """The predictive distribution, from (K,) log distances of the baseline's days.

    The spread of the log scale is the variance of the distances less that of a chi-square variable
    with ``columns`` degrees of freedom, and at least the view's smallest spread.
    """
    days = len(own)
    noise = float(polygamma(1, columns / 2))
    squares = float(np.square(own - own.mean()).sum())
    freedom = days - 1 + SCALE_DAYS
    excess = max(squares - (days - 1) * noise, 0.0)
    variance = (excess + SCALE_DAYS * SCALE_SPREAD**2) / freedom
    variance = max(variance, LEAST_SPREAD.get(view, 0.0) ** 2)
    spread = np.sqrt(variance * (1 + 1 / days) + noise / days)
    return LogDistance(columns, float(spread), min(freedom, MOST_FREEDOM))


def log_distances(distances: Vector) -> Vector:
    return np.asarray(np.log(np.maximum(distances, 1e-12)))
