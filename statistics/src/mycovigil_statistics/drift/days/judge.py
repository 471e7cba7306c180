"""Judge a night, or a window of nights, beside accepted days: sketches are enough, no rows."""

from collections.abc import Sequence

import numpy as np

from mycovigil_statistics.drift.days.between import LEAST_DAYS
from mycovigil_statistics.drift.days.prediction import DayView, ViewBaseline, view_baselines
from mycovigil_statistics.drift.days.result import DaysResult
from mycovigil_statistics.drift.days.sketch import DaySketch, require_one_geometry
from mycovigil_statistics.drift.days.window import autocorrelations
from mycovigil_statistics.errors import InsufficientRows


def judge_days(
    window: Sequence[DaySketch], *, baseline: Sequence[DaySketch], seed: int = 0
) -> DaysResult:
    """Compare one night, or a window of nights, with accepted days.

    `window`, `baseline`: in order of time. `seed`: of the series that calibrate a window of several
    nights. A view is compared with the days that have it; where these are fewer than three, or a
    night of the window lacks it, it is left out.

    Raises `InsufficientRows` for an empty window or fewer than three days with a view in common,
    `DimensionMismatch` for sketches of two geometries.
    """
    views = compared_views(window, baseline, seed)
    if not views:
        raise InsufficientRows(
            f"{len(window)} nights beside {len(baseline)} days: at least one beside "
            f"{LEAST_DAYS} are needed"
        )
    rows, units = sum(one.rows for one in window), sum(one.units for one in window)
    left_out = {name for one in (*window, *baseline) for name in one.views}
    left_out -= {view.name for view in views}
    result = DaysResult.of(views, None, rows, units, len(baseline))
    return result.of_window(len(window), left_out)


def compared_views(
    window: Sequence[DaySketch], baseline: Sequence[DaySketch], seed: int
) -> list[DayView]:
    """Each view that the whole window and at least three days have; none without these."""
    if not window or len(baseline) < LEAST_DAYS:
        return []
    require_one_geometry([*baseline, *window])
    names = sorted(set.intersection(*(set(night.views) for night in window)))
    days = {name: [day for day in baseline if name in day.views] for name in names}
    views = view_baselines({n: days[n] for n in names if len(days[n]) >= LEAST_DAYS})
    if len(window) == 1 or not views:
        return [view.compared([window[0].views[view.name]], view.night) for view in views]
    return _windows(views, window, np.random.default_rng(seed))


def _windows(
    views: Sequence[ViewBaseline], window: Sequence[DaySketch], generator: np.random.Generator
) -> list[DayView]:
    correlations = autocorrelations([view.baseline for view in views])
    found = []
    for view, correlation in zip(views, correlations, strict=True):
        nights = [night.views[view.name] for night in window]
        found.append(view.compared(nights, view.window(nights, correlation, generator)))
    return found
