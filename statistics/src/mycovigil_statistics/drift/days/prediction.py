"""Is a night stranger than the baseline's days are? A prediction interval for the log distance.

The squared distance of a calm day, averaged over a view's columns, is a chi-square variable over
its degrees of freedom, times a scale that differs by the day: days with weather, an outing, a new
client. The log scale is taken to be t-distributed, and learned from the baseline's own days
(Geisser, 1993, Predictive Inference: the predictive distribution of a future observation).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaincc, polygamma

from mycovigil_statistics.drift.days.between import Baseline

# A baseline of few days cannot know how much their scales scatter: this much, as a standard
# deviation of logs, with the weight of so many days.
SCALE_SPREAD, SCALE_DAYS = 0.4, 6.0
# Oddity is of squares, so that a day whose effect is twice as large lies four times as far: its log
# scale scatters at least this much, however alike the days of the baseline were.
LEAST_SPREAD = {"oddity": 0.3}
# Real days have heavy tails: degrees of freedom of the log scale are capped (measured in
# benchmarks/drift_days.py with t-distributed day effects).
MOST_FREEDOM = 8.0
GRID = np.linspace(-60.0, 60.0, 1_201)
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
    null: LogDistance

    def with_p_value(self, p_value: float) -> "DayView":
        """The same view with the p-value of another null distribution."""
        return replace(self, p_value=p_value)

    def detectable(self, level: float) -> float:
        """The smallest ratio that would have had `p_value` <= level."""
        return float(np.exp(self.null.quantile(level) / 2))


def compare(name: str, baseline: Baseline, distance: float) -> DayView:
    """The night's distance beside each baseline day's distance from the other days."""
    own = _log(baseline.own_distances())
    above = float(_log(np.array([distance]))[0] - own.mean())
    null = predicted(own, baseline.effective_columns(), LEAST_SPREAD.get(name, 0.0))
    rank = 1 + int((own - own.mean() >= above).sum())
    return DayView(name, null.p_value(above), float(np.exp(above / 2)), rank, null)


def predicted(own: NDArray[np.float64], columns: float, least_spread: float) -> LogDistance:
    """From (K,) log distances of the baseline's days: what they scatter by beyond what a
    chi-square of so many degrees of freedom does is the scale's, and at least `least_spread`."""
    days = len(own)
    noise = float(polygamma(1, columns / 2))
    squares = float(np.square(own - own.mean()).sum())
    freedom = days - 1 + SCALE_DAYS
    excess = max(squares - (days - 1) * noise, 0.0)
    variance = (excess + SCALE_DAYS * SCALE_SPREAD**2) / freedom
    variance = max(variance, least_spread**2)
    spread = np.sqrt(variance * (1 + 1 / days) + noise / days)
    return LogDistance(columns, float(spread), min(freedom, MOST_FREEDOM))


def _log(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.log(np.maximum(distances, 1e-12)))
