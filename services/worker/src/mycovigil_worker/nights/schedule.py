"""Which windows should have a report by now: a pure function of times and settings."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from mycovigil.references.window import Window
from mycovigil.settings import DriftSettings
from mycovigil_worker.nights.levels import levels_of
from mycovigil_worker.nights.serving_periods import ServingPeriod

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Planned:
    """A window to judge and the level its test was given."""

    window: Window
    level: float


def planned(
    served: ServingPeriod,
    first_row: datetime,
    reported: Collection[Span],
    now: datetime,
    drift: DriftSettings,
) -> Iterator[Planned]:
    """Windows without a report in order of their ends, a night before the long window on it.

    Windows start with the model's first row, reach back at most ``catch_up_periods``, and must
    overlap the model's serving period; a long window needs traffic for at least half of its length.
    """
    nights = drift.nights
    grace = timedelta(seconds=drift.grace_seconds)
    since = max(first_row, served.start, now - drift.catch_up_periods * nights.period)
    for night in nights.closed(since, now, grace=grace):
        if served.end is not None and night.start >= served.end:
            return
        for periods, level in sorted(levels_of(nights.index_of(night.start), drift).items()):
            window = nights.ending_with(night, periods)
            half = (periods // 2) * nights.period
            known = periods == 1 or first_row <= window.start + half
            if known and (window.start, window.end) not in reported:
                yield Planned(window, level)
