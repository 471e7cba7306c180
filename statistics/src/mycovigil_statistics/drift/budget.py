"""One false-alarm budget a month, spent by a plan that is fixed before the month begins.

The levels of all tests that will be made, nightly and over longer windows, for every model and
slice, sum to the budget. By the union bound the chance of at least one false page in the month is
then at most the budget, however the tests depend on each other: windows overlap, and all of them
meet the same reference. That is alpha spending (Lan and DeMets, 1983, Discrete sequential
boundaries for clinical trials) with Bonferroni's boundary.

Why nothing sharper: e-processes and test martingales (Ramdas et al., 2023, Game-theoretic
statistics and safe anytime-valid inference) need every night to be fair given the past. Nights
that are compared with one fixed reference sample are not: its sampling error looks like a
persistent drift, and an e-process that accumulates it pages in every calm month (measured). The
union bound needs no independence and costs little, since the levels enter power by their
logarithm.

Why longer windows: a persistent shift too small for one night's rows adds up over a week or a
month. Of the budget .4 goes to single nights, .2 to weeks, .1 to the first half, .3 to the month.
"""

from dataclasses import dataclass

WEEK = 7
WEEKS = 4
HALF = 15
NIGHTLY_SHARE, WEEKLY_SHARE, HALF_SHARE, MONTHLY_SHARE = 0.4, 0.2, 0.1, 0.3


@dataclass(frozen=True, slots=True)
class MonthlyBudget:
    """Levels whose sum over a month of `days` nights is at most `total`.

    `models` and `slices` tested every night share it equally. `days`: nights in this month (28 to
    31, or the length of any other cycle of at least 28 periods).
    """

    total: float = 0.10
    models: int = 1
    slices: int = 1
    days: int = 30

    def __post_init__(self) -> None:
        if not 0 < self.total < 1:
            raise ValueError(f"the budget must lie between 0 and 1, got {self.total}")
        if min(self.models, self.slices) < 1 or self.days < WEEK * WEEKS:
            raise ValueError("a budget needs a model, a slice and at least 28 days")

    def windows(self, day_of_month: int) -> tuple[int, ...]:
        """Lengths, in days, of the windows that are due on the night of this day (from 1)."""
        if not 1 <= day_of_month <= self.days:
            raise ValueError(f"day {day_of_month} is outside a month of {self.days} days")
        due = [1]
        if day_of_month % WEEK == 0 and day_of_month <= WEEK * WEEKS:
            due.append(WEEK)
        if day_of_month == HALF:
            due.append(HALF)
        if day_of_month == self.days:
            due.append(self.days)
        return tuple(due)

    def level(self, window_days: int, day_of_month: int) -> float:
        """The level of the window of `window_days` that ends on `day_of_month`.

        0 where no such window is due: a window without a share of the budget never alarms.
        """
        if window_days not in self.windows(day_of_month):
            return 0.0
        share = {
            1: NIGHTLY_SHARE / self.days,
            WEEK: WEEKLY_SHARE / WEEKS,
            HALF: HALF_SHARE,
            self.days: MONTHLY_SHARE,
        }[window_days]
        return self.total * share / (self.models * self.slices)

    def plan(self) -> dict[tuple[int, int], float]:
        """All levels of one model and slice, by (window days, day of month)."""
        days = range(1, self.days + 1)
        return {(w, day): self.level(w, day) for day in days for w in self.windows(day)}


def pool_is_enough(pool_rows: int, night_rows: int) -> bool:
    """Whether the held-out reference is large enough for slow drift to be seen in long windows.

    Measured: a persistent shift of a tenth of the detectable squared distance is caught within a
    month in at least .8 of months where the pool holds 25 nights' rows, and seldom with fewer:
    below that the error of the reference itself hides it.
    """
    return pool_rows >= 25 * night_rows
