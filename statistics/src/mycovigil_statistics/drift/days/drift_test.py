"""A drift test for days that differ: no alarm unless a night is stranger than days are.

Exchangeable are days, not photos: weather, weekday and one species in season make any two days
differ by the exact test on rows. A night alarms only if both tests say so, the one on rows and the
one on days: an intersection-union test (Berger, 1982), at the level of each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycovigil_statistics.drift.days.between import Baseline, pooled_night
from mycovigil_statistics.drift.days.columns import DayGeometry
from mycovigil_statistics.drift.days.prediction import DayView, compare
from mycovigil_statistics.drift.days.result import DaysResult, combined
from mycovigil_statistics.drift.days.sketch import DaySketch, require_one_geometry, sketch_of
from mycovigil_statistics.drift.days.window import series_of, window_p_value
from mycovigil_statistics.drift.reference import FittedReference, fitted_on, halves
from mycovigil_statistics.drift.two_sample import judge
from mycovigil_statistics.errors import InsufficientRows
from mycovigil_statistics.sample import Groups, Sample, validated

LEAST_ROWS, LEAST_GROUPS = 100, 30
LEAST_NIGHT_ROWS, LEAST_NIGHT_GROUPS = 30, 10
LEAST_DAYS = 3
# A day with fewer independent units says little of what days differ by.
LEAST_DAY_UNITS = 5
# The exact test on rows is made where the days do not settle the matter.
ROWS_BELOW = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class DriftTest:
    """A fitted test: `baseline` holds a sketch a day, `reference` rows of the same days."""

    geometry: DayGeometry
    reference: FittedReference
    baseline: tuple[DaySketch, ...]
    seed: int

    @classmethod
    def fit(
        cls,
        features: ArrayLike,
        probabilities: ArrayLike | None = None,
        covariates: ArrayLike | None = None,
        *,
        novelty: ArrayLike | None = None,
        groups: Groups = None,
        days: Groups = None,
        seed: int = 0,
    ) -> "DriftTest":
        """Learn from calm rows: (n, d) features, (n, c) probabilities, (n, k) covariates.

        `days`: one key a row, sortable, that says on which day it was taken. Half of each day's
        groups teach the geometry, the other half is sketched and compared with. Without `days`, or
        with fewer than three of at least five held-out groups, nights are judged by rows alone.

        Raises `InsufficientRows` below 100 rows or 30 groups, `DimensionMismatch`, `NotFinite`.
        """
        sample = validated(
            features, probabilities, covariates, groups, novelty, days,
            least_rows=LEAST_ROWS, least_groups=LEAST_GROUPS,
        )  # fmt: skip
        learned, held_out = halves(sample, np.random.default_rng(seed))
        geometry = DayGeometry.fit(sample.take(learned), seed)
        reference = fitted_on(sample, learned, held_out, seed)
        return cls(geometry, reference, _sketches(geometry, sample.take(held_out)), seed)

    def sketch(
        self,
        features: ArrayLike,
        probabilities: ArrayLike | None = None,
        covariates: ArrayLike | None = None,
        *,
        novelty: ArrayLike | None = None,
        groups: Groups = None,
    ) -> DaySketch:
        """A day's rows in some kilobytes. Raises as `judge`, below two rows or groups."""
        return sketch_of(
            self.geometry,
            validated(
                features, probabilities, covariates, groups, novelty, least_rows=2, least_groups=2
            ),
        )

    def judge(
        self,
        features: ArrayLike,
        probabilities: ArrayLike | None = None,
        covariates: ArrayLike | None = None,
        *,
        novelty: ArrayLike | None = None,
        groups: Groups = None,
    ) -> DaysResult:
        """Compare a night with the days that the test was fitted on.

        Raises `InsufficientRows` below 30 rows or 10 groups, `DimensionMismatch`, `NotFinite`.
        """
        night = validated(
            features, probabilities, covariates, groups, novelty,
            least_rows=LEAST_NIGHT_ROWS, least_groups=LEAST_NIGHT_GROUPS,
        )  # fmt: skip
        self.reference.require_comparable(night)
        views = self._views([sketch_of(self.geometry, night)], self.baseline)
        if (p_days := combined(views)) is not None and p_days > ROWS_BELOW:
            return DaysResult.of(views, None, night.rows, night.unit_count, len(self.baseline))
        rows = judge(
            self.reference, features, probabilities, covariates,
            novelty=novelty, groups=groups, seed=self.seed,
        )  # fmt: skip
        return DaysResult.of(views, rows.p_value, rows.rows, rows.units, len(self.baseline))

    def judge_days(
        self, window: Sequence[DaySketch], *, baseline: Sequence[DaySketch] | None = None
    ) -> DaysResult:
        """Compare one night, or a window of nights, with accepted days; no rows are needed.

        `baseline`: in order of time; by default the days that the test was fitted on.

        Raises `InsufficientRows` for an empty window or fewer than three days to compare with,
        `DimensionMismatch` for sketches of two geometries.
        """
        days = tuple(self.baseline if baseline is None else baseline)
        if not window or len(days) < LEAST_DAYS:
            raise InsufficientRows(
                f"{len(window)} nights beside {len(days)} days: at least one beside "
                f"{LEAST_DAYS} are needed"
            )
        views = self._views(list(window), days)
        rows, units = sum(one.rows for one in window), sum(one.units for one in window)
        return DaysResult.of(views, None, rows, units, len(days))

    def _views(self, window: list[DaySketch], days: tuple[DaySketch, ...]) -> list[DayView]:
        if len(days) < LEAST_DAYS:
            return []
        require_one_geometry([*days, *window])
        shared = set.intersection(*(set(one.views) for one in (*days, *window)))
        generator = np.random.default_rng(self.seed)
        return [self._view(name, window, days, generator) for name in sorted(shared)]

    @staticmethod
    def _view(
        name: str,
        window: list[DaySketch],
        days: tuple[DaySketch, ...],
        generator: np.random.Generator,
    ) -> DayView:
        baseline = Baseline.of(list(days), name)
        mean, units = pooled_night([night.views[name] for night in window])
        distance = baseline.distance(mean, units, len(window))
        view = compare(name, baseline, distance)
        if len(window) == 1:
            return view
        p_value = window_p_value(
            series_of(baseline, len(window)), float(np.log(max(distance, 1e-12))), generator
        )
        return view.with_p_value(p_value)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Plain arrays by name, for `numpy.savez` or safetensors; no pickle needed."""
        arrays = {f"geometry.{k}": v for k, v in self.geometry.to_arrays().items()}
        arrays |= {f"reference.{k}": v for k, v in self.reference.to_arrays().items()}
        for number, day in enumerate(self.baseline):
            arrays |= {f"day{number:04}.{k}": v for k, v in day.to_arrays().items()}
        return arrays | {"seed": np.array([self.seed], np.int64)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "DriftTest":
        """Undo `to_arrays`. Raises KeyError if an array is missing."""
        prefixes = sorted({name.partition(".")[0] for name in arrays if name.startswith("day")})
        return cls(
            DayGeometry.from_arrays(_below("geometry", arrays)),
            FittedReference.from_arrays(_below("reference", arrays)),
            tuple(DaySketch.from_arrays(_below(prefix, arrays)) for prefix in prefixes),
            int(arrays["seed"][0]),
        )


def _below(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    start = f"{prefix}."
    return {k.removeprefix(start): v for k, v in arrays.items() if k.startswith(start)}


def _sketches(geometry: DayGeometry, held_out: Sample) -> tuple[DaySketch, ...]:
    """A sketch of each day's held-out rows, in order of the days' keys."""
    if held_out.days is None:
        return ()
    parts = [held_out.take(np.flatnonzero(held_out.days == d)) for d in np.unique(held_out.days)]
    return tuple(sketch_of(geometry, part) for part in parts if part.unit_count >= LEAST_DAY_UNITS)
