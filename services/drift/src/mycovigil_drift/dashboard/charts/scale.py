"""Scales from times and p-values to pixels."""

import datetime
import math
from dataclasses import dataclass

SMALLEST_P = 1e-6
# Days between two marks of the time axis.
STEPS = (1, 2, 5, 7, 14, 30, 61, 91, 182, 365)


@dataclass(frozen=True, slots=True)
class TimeScale:
    """Linear in time from ``left`` to ``right`` pixels; times outside are clamped."""

    start: datetime.datetime
    end: datetime.datetime
    left: float
    right: float

    def __call__(self, moment: datetime.datetime) -> float:
        part = (moment - self.start) / (self.end - self.start)
        return round(self.left + min(max(part, 0.0), 1.0) * (self.right - self.left), 1)

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """At most ``most`` marks with their labels: days, or times if the axis is shorter than two
        days."""
        length = self.end - self.start
        if length < datetime.timedelta(days=2):
            return self._even_ticks(most)
        days = length / datetime.timedelta(days=1)
        step = next((step for step in STEPS if days / step <= most), STEPS[-1])
        day = self.start.replace(hour=0, minute=0, second=0, microsecond=0)
        found = []
        while day <= self.end:
            if day >= self.start:
                found.append((self(day), f"{day.day} {day:%b}"))
            day += datetime.timedelta(days=step)
        return found

    def _even_ticks(self, most: int) -> list[tuple[float, str]]:
        length = self.end - self.start
        shape = "%H:%M:%S" if length < datetime.timedelta(minutes=20) else "%H:%M"
        moments = [self.start + length * i / max(most - 1, 1) for i in range(most)]
        return [(self(moment), moment.strftime(shape)) for moment in moments]


@dataclass(frozen=True, slots=True)
class SurpriseScale:
    """Height of a p-value by -log10(p): the smaller, the higher."""

    bottom: float
    top: float
    decades: int

    def __call__(self, p_value: float) -> float:
        surprise = min(-math.log10(max(p_value, SMALLEST_P)), self.decades)
        return round(self.bottom - surprise / self.decades * (self.bottom - self.top), 1)

    def ticks(self) -> list[tuple[float, str]]:
        """One mark per power of ten."""
        labels = ["1", "0.1", "0.01", "0.001", "0.0001", "0.00001", "0.000001"]
        return [(self(10.0**-n), labels[n]) for n in range(self.decades + 1)]


def decades_of(p_values: list[float]) -> int:
    """Powers of ten that the axis needs for ``p_values``; at least four, at most six."""
    smallest = min(p_values, default=1.0)
    return min(max(math.ceil(-math.log10(max(smallest, SMALLEST_P))), 4), 6)
