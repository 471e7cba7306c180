"""Is a night stranger than the baseline's days are? A prediction interval for the log distance.

The squared distance of a calm day, averaged over a view's columns, is a chi-square variable over
its degrees of freedom, times a scale that differs by the day: days with weather, an outing, a new
client. The log scale is taken to be t-distributed, and learned from the baseline's own days
(Geisser, 1993, Predictive Inference: the predictive distribution of a future observation).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import digamma, gammaincc, polygamma

from mycovigil_statistics.drift.days.between import Baseline, Vector
from mycovigil_statistics.drift.days.sketch import DaySketch, Moments
from mycovigil_statistics.drift.days.window import SimulatedNull, series_of

# A baseline of few days cannot know how much their scales scatter: this much, as a standard
# deviation of logs, with the weight of so many days.
SCALE_SPREAD, SCALE_DAYS = 0.4, 6.0
# A day whose effects are large lies far in every view, and the view of most columns knows best how
# much the days' log scales scatter: those of the others are taken to scatter at least as much. Of
# days with t(4)-distributed effects .0068 alarmed without this rule. The leading axes are part of
# that view and know it by themselves: with the rule for them too, .19 of the real days that were
# all another photographer's were no longer found.
WIDEST, OF_ITSELF = "location", frozenset({"location", "leading"})
# Oddity is of squares, so that a day whose effect is twice as large lies four times as far: its log
# scale scatters at least this much, however alike the days of the baseline were.
LEAST_SPREAD = {"oddity": 0.2}
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
    """One view of the baseline's days; `own`: (K,) log distances of each day from the others.

    `least_spread`: of the log scale, known from another view of the same days.
    """

    name: str
    baseline: Baseline
    own: Vector
    least_spread: float = 0.0

    @classmethod
    def of(cls, days: Sequence[DaySketch], view: str) -> "ViewBaseline":
        baseline = Baseline.of(days, view)
        return cls(view, baseline, log_distances(baseline.own_distances()))

    @property
    def night(self) -> LogDistance:
        """Log distances of a calm night above the mean of the days' own."""
        columns = self.baseline.effective_columns()
        return predicted(self.own, columns, self.name, self.least_spread)

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


def view_baselines(days: Mapping[str, Sequence[DaySketch]]) -> list[ViewBaseline]:
    """The views of some days, by name; each knows how much the widest one's log scale scatters."""
    views = [ViewBaseline.of(those, name) for name, those in days.items()]
    known = [
        scale_variance(view.own, view.baseline.effective_columns())
        for view in views
        if view.name == WIDEST
    ]
    least = float(np.sqrt(max(known, default=0.0)))
    return [v if v.name in OF_ITSELF else replace(v, least_spread=least) for v in views]


def scale_variance(own: Vector, columns: float) -> float:
    """Variance of the log scale, from (K,) log distances of the baseline's days: theirs less that
    of a chi-square variable with ``columns`` degrees of freedom, drawn to the prior."""
    free, noise = len(own) - 1, float(polygamma(1, columns / 2))
    excess = max(float(np.square(own - own.mean()).sum()) - free * noise, 0.0)
    return (excess + SCALE_DAYS * SCALE_SPREAD**2) / (free + SCALE_DAYS)


def predicted(own: Vector, columns: float, view: str, least_spread: float = 0.0) -> LogDistance:
    """The predictive distribution, from (K,) log distances of the baseline's days.

    The spread of the log scale is at least ``least_spread`` and the view's smallest one.
    """
    days, noise = len(own), float(polygamma(1, columns / 2))
    least = max(least_spread, LEAST_SPREAD.get(view, 0.0))
    variance = max(scale_variance(own, columns), least**2)
    spread = np.sqrt(variance * (1 + 1 / days) + noise / days)
    return LogDistance(columns, float(spread), min(days - 1 + SCALE_DAYS, MOST_FREEDOM))


def log_distances(distances: Vector) -> Vector:
    return np.asarray(np.log(np.maximum(distances, 1e-12)))
