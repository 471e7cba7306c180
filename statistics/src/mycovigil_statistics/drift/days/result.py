"""What the drift test on days found, and one sentence of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mycovigil_statistics.drift.days.prediction import DayView

# A view that shares the level of another one: both see where photos lie.
GROUPED_WITH = {"leading": "location"}


def combined(views: Sequence[DayView]) -> float | None:
    """Bonferroni over the groups of views, and over the views of a group; None without views.

    Right at the depth of a nightly level, whatever the views share.
    """
    groups = _groups(views)
    smallest = [len(group) * min(view.p_value for view in group) for group in groups]
    return min(1.0, len(groups) * min(smallest)) if groups else None


def _groups(views: Sequence[DayView]) -> list[list[DayView]]:
    found: dict[str, list[DayView]] = {}
    for view in views:
        found.setdefault(GROUPED_WITH.get(view.name, view.name), []).append(view)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class DaysResult:
    """`p_value` = max(`p_rows`, `p_days`), of those that there are.

    `p_days` is None without at least three days to compare with, `p_rows` where the days settled
    the matter or no rows were at hand. `ratio`: the shift of the leading view over what days differ
    by; `rank`: 1 if no day of the baseline lies as far; both None without days. `rows`, `units` of
    the night or window, `days` compared with. `left_out`: views that only some sketches have.
    `nights`: of the window.
    """

    p_value: float
    p_rows: float | None
    p_days: float | None
    ratio: float | None
    rank: int | None
    views: tuple[DayView, ...]
    rows: int
    units: int
    days: int
    left_out: tuple[str, ...] = ()
    nights: int = 1

    @classmethod
    def of(
        cls, views: Sequence[DayView], p_rows: float | None, rows: int, units: int, days: int
    ) -> "DaysResult":
        """Combine the views by Bonferroni, and the two tests by the larger p."""
        ordered = tuple(sorted(views, key=lambda view: view.p_value))
        p_days = combined(ordered)
        p_value = max(p for p in (p_rows, p_days, 0.0) if p is not None)
        leading = ordered[0] if ordered else None
        return cls(
            p_value,
            p_rows,
            p_days,
            leading.ratio if leading else None,
            leading.rank if leading else None,
            ordered,
            rows,
            units,
            days,
        )

    def with_rows(self, p_rows: float) -> "DaysResult":
        """The same days, with the p-value of the exact test on rows."""
        return replace(self, p_rows=p_rows, p_value=max(p_rows, self.p_days or 0.0))

    def of_window(self, nights: int, left_out: Iterable[str]) -> "DaysResult":
        """The same result, of so many nights, with a note of the views that were not compared."""
        return replace(self, nights=nights, left_out=tuple(sorted(left_out)))

    def alarming(self, level: float) -> tuple[str, ...]:
        """Names of the views that alarm by themselves at their share of `level`."""
        return tuple(view.name for view, share in self._shares(level) if view.p_value <= share)

    def detectable(self, level: float) -> float | None:
        """The smallest ratio, in the most sensitive view, that would have been seen at `level`."""
        return min((view.detectable(share) for view, share in self._shares(level)), default=None)

    def _shares(self, level: float) -> list[tuple[DayView, float]]:
        groups = _groups(self.views)
        return [(view, level / (len(groups) * len(g))) for g in groups for view in g]

    def summary(self) -> str:
        """The result in one sentence."""
        if self.p_days is None or self.ratio is None:
            return (
                f"{self.rows} photos of {self.units} independent groups: p = {self.p_value:.2g} by "
                "rows alone; days are not compared, for fewer than three are known."
            )
        rows = "" if self.p_rows is None else f", by rows {self.p_rows:.2g}"
        shift = (
            "This night's shift" if self.nights == 1 else f"The shift of these {self.nights} nights"
        )
        return (
            f"{shift} is {self.ratio:.1f} times what your days vary by (rank "
            f"{self.rank} among {self.days} days and this one): p = {self.p_value:.2g} (by days "
            f"{self.p_days:.2g}{rows})."
        )
