"""Is a shift over? The pooled nights since an alarm beside the window that alarmed.

An incident ends by calm only if the nights since show that the shift is gone, not if they fail to
show that it stays: a shift that a night finds with chance .3 would end by chance within weeks. Of
such a shift the nights that alarm are the largest ones, so that its size is taken from a lower
bound (by its plain estimate .23 of 96 such incidents ended within 30 nights).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import digamma
from scipy.stats import ncx2
from scipy.stats import t as student

from mycovigil_statistics.drift.days.between import Baseline, Vector, pooled_night
from mycovigil_statistics.drift.days.prediction import LogDistance, log_distances, predicted
from mycovigil_statistics.drift.days.sketch import DaySketch, Moments, require_one_geometry
from mycovigil_statistics.drift.days.window import Neighbours
from mycovigil_statistics.errors import InsufficientRows

CONFIDENCE = 0.95
# A shift varies by the night: one or two nights may be without it.
LEAST_NIGHTS = 3
# What is left of the alarming shift, at most, where it counts as over.
MOST_LEFT = 0.5
SCALES = np.linspace(-8.0, 8.0, 33)


@dataclass(frozen=True, slots=True)
class ViewShift:
    """Shifts of one view from the baseline's mean, over what its days vary by, noise subtracted.

    `alarming`: of the window that alarmed, `lower`: its one-sided 95% bound; `since`: of the nights
    since, `upper`: its one-sided 95% bound.
    """

    name: str
    alarming: float
    lower: float
    since: float
    upper: float

    @property
    def over(self) -> bool:
        """The upper bound of the shift since is below half of the alarming shift's lower bound."""
        return self.upper < MOST_LEFT * self.lower


@dataclass(frozen=True, slots=True)
class Recovery:
    """What is left of a shift; units of the window that alarmed and of the nights since.

    `missing`: views that alarmed and that the nights since do not have.
    """

    views: tuple[ViewShift, ...]
    missing: tuple[str, ...]
    units_alarming: int
    units_since: int
    nights_since: int

    @property
    def closed(self) -> bool:
        """At least three nights and as many units since, and in every view that alarmed the shift
        is over."""
        units = self.units_since >= self.units_alarming
        enough = units and self.nights_since >= LEAST_NIGHTS
        return enough and not self.missing and all(view.over for view in self.views)


def closed_by_calm(
    alarming: Sequence[DaySketch],
    since: Sequence[DaySketch],
    baseline: Sequence[DaySketch],
    views: Collection[str],
) -> bool:
    """Whether the nights since show that the shift is over. Arguments and errors: `recovery`."""
    return recovery(alarming, since, baseline, views).closed


def recovery(
    alarming: Sequence[DaySketch],
    since: Sequence[DaySketch],
    baseline: Sequence[DaySketch],
    views: Collection[str],
) -> Recovery:
    """Compare the nights since an alarm with the window that alarmed, both beside the baseline.

    `alarming`: nights of the latest window that alarmed; `since`: all nights after it; `views`:
    names of those that alarmed (`DaysResult.alarming`). All in order of time.

    Raises `InsufficientRows` without nights, views, or three days that have these,
    `DimensionMismatch` for sketches of two geometries.
    """
    if not alarming or not since or not views:
        raise InsufficientRows("a recovery needs an alarming window, a view and nights since")
    require_one_geometry([*baseline, *alarming, *since])
    shared = set.intersection(*(set(night.views) for night in (*alarming, *since)))
    return Recovery(
        tuple(_shift(name, alarming, since, baseline) for name in sorted(shared & set(views))),
        tuple(sorted(set(views) - shared)),
        sum(night.units for night in alarming),
        sum(night.units for night in since),
        len(since),
    )


def _shift(
    name: str,
    alarming: Sequence[DaySketch],
    since: Sequence[DaySketch],
    baseline: Sequence[DaySketch],
) -> ViewShift:
    frame = _Frame.of(Baseline.of([day for day in baseline if name in day.views], name), name)
    before = frame.excess([night.views[name] for night in alarming])
    after = frame.excess([night.views[name] for night in since])
    lower, upper = frame.bound(before, CONFIDENCE), frame.bound(after, 1 - CONFIDENCE)
    return ViewShift(name, before.estimate, lower, after.estimate, upper)


@dataclass(frozen=True, slots=True)
class _Excess:
    """Mean over columns of a squared shift, and what noise alone would make of it."""

    observed: float
    noise: float
    nights: int

    @property
    def estimate(self) -> float:
        return float(np.sqrt(max(self.observed - self.noise, 0.0)))


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """How shifts of one view are measured: in units of what a typical baseline day varies by.

    `scale`: of a calm day's squared distance, over what the model of its variance says.
    """

    baseline: Baseline
    typical: Vector
    correlation: float
    scale: float
    null: LogDistance

    @classmethod
    def of(cls, baseline: Baseline, view: str) -> "_Frame":
        own = log_distances(baseline.own_distances())
        null = predicted(own, baseline.effective_columns(), view)
        centre = digamma(null.columns / 2) + np.log(2 / null.columns)
        typical = baseline.within * (1 / baseline.units).mean() + baseline.day_variance()
        correlation = Neighbours.of(baseline).correlation
        return cls(baseline, typical, correlation, float(np.exp(own.mean() - centre)), null)

    def excess(self, nights: Sequence[Moments]) -> _Excess:
        """Of the mean of some nights."""
        known, days = self.baseline, len(self.baseline.means)
        mean, units = pooled_night(nights)
        error = known.within * (1 / units + (1 / known.units).mean() / days)
        effects = 1 / self._independent(len(nights)) + 1 / self._independent(days)
        noise = (error + known.day_variance() * effects) / self.typical
        step = (mean - known.means.mean(axis=0)) ** 2 / self.typical
        return _Excess(float(step.mean()), float(noise.mean()) * self.scale, len(nights))

    def _independent(self, days: int) -> float:
        """As many independent days have a mean that varies as much as that of so many in a row."""
        lags = np.arange(1, days)
        return float(days / (1 + 2 * ((1 - lags / days) * self.correlation**lags).sum()))

    def bound(self, found: _Excess, chance: float) -> float:
        """The shift under which a distance as small as this one has the given chance.

        The distance is a noncentral chi-square variable times a scale, as a calm night's is.
        """
        columns, spread = self.null.columns, self.null.spread / np.sqrt(found.nights)
        weights = student.pdf(SCALES, self.null.freedom)
        scaled = found.observed / found.noise * columns / np.exp(spread * SCALES)

        def above(noncentral: float) -> float:
            below = ncx2.cdf(scaled, columns, noncentral)
            return float(weights @ below / weights.sum()) - chance

        if above(0.0) <= 0:
            return 0.0
        high = 4 * (scaled[len(SCALES) // 2] + columns + 10)
        while above(high) > 0:
            high *= 2
        return float(np.sqrt(brentq(above, 0.0, high, rtol=1e-3) / columns * found.noise))
