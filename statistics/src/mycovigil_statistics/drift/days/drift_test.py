"""A drift test for days that differ: no alarm unless a night is stranger than days are.

Exchangeable are days, not photos: weather, weekday and one species in season make any two days
differ by the exact test on rows. A night alarms only if both tests say so, the one on rows and the
one on days: an intersection-union test (Berger, 1982), at the level of each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycovigil_statistics.drift.days.feature_geometry import FeatureGeometry
from mycovigil_statistics.drift.days.judge import compared_views, judge_days
from mycovigil_statistics.drift.days.prediction_geometry import PredictionGeometry
from mycovigil_statistics.drift.days.result import DaysResult, combined
from mycovigil_statistics.drift.days.sketch import DaySketch
from mycovigil_statistics.drift.reference import FittedReference, fitted_on, halves
from mycovigil_statistics.drift.two_sample import judge
from mycovigil_statistics.sample import Groups, Sample, validated

LEAST_ROWS, LEAST_GROUPS = 100, 30
LEAST_NIGHT_ROWS, LEAST_NIGHT_GROUPS = 30, 10
# A day with fewer independent units says little of what days differ by.
LEAST_DAY_UNITS = 5
# The exact test on rows is made where the days do not settle the matter.
ROWS_BELOW = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class DriftTest:
    """A fitted test: `baseline` holds a sketch a day, `reference` rows of the same days."""

    features: FeatureGeometry
    predictions: PredictionGeometry | None
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
        known = sample.take(learned)
        predicted = sample.probabilities is not None or sample.novelty is not None
        bare = cls(
            FeatureGeometry.fit_sample(known, seed),
            PredictionGeometry.fit_sample(known) if predicted else None,
            fitted_on(sample, learned, held_out, seed),
            (),
            seed,
        )
        return replace(bare, baseline=bare._days(sample.take(held_out)))

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
        sample = validated(
            features, probabilities, covariates, groups, novelty, least_rows=2, least_groups=2
        )
        return self._sketch(sample)

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
        views = compared_views([self._sketch(night)], self.baseline, self.seed)
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
        days = self.baseline if baseline is None else baseline
        return judge_days(window, baseline=days, seed=self.seed)

    def _sketch(self, sample: Sample) -> DaySketch:
        features = self.features.sketch_sample(sample)
        predicted = sample.probabilities is not None or sample.novelty is not None
        if self.predictions is None or not predicted:
            return features
        return features.joined(self.predictions.sketch_sample(sample))

    def _days(self, held_out: Sample) -> tuple[DaySketch, ...]:
        """A sketch of each day's held-out rows, in order of the days' keys."""
        if held_out.days is None:
            return ()
        days = np.unique(held_out.days)
        parts = [held_out.take(np.flatnonzero(held_out.days == day)) for day in days]
        return tuple(self._sketch(part) for part in parts if part.unit_count >= LEAST_DAY_UNITS)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Plain arrays by name, for `numpy.savez` or safetensors; no pickle needed."""
        arrays = _under("features", self.features.to_arrays())
        if self.predictions is not None:
            arrays |= _under("predictions", self.predictions.to_arrays())
        arrays |= _under("reference", self.reference.to_arrays())
        for number, day in enumerate(self.baseline):
            arrays |= _under(f"day{number:04}", day.to_arrays())
        return arrays | {"seed": np.array([self.seed], np.int64)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "DriftTest":
        """Undo `to_arrays`. Raises KeyError if an array is missing."""
        prefixes = sorted({name.partition(".")[0] for name in arrays if name.startswith("day")})
        predictions = _below("predictions", arrays)
        return cls(
            FeatureGeometry.from_arrays(_below("features", arrays)),
            PredictionGeometry.from_arrays(predictions) if predictions else None,
            FittedReference.from_arrays(_below("reference", arrays)),
            tuple(DaySketch.from_arrays(_below(prefix, arrays)) for prefix in prefixes),
            int(arrays["seed"][0]),
        )


def _under(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {f"{prefix}.{name}": array for name, array in arrays.items()}


def _below(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    start = f"{prefix}."
    return {k.removeprefix(start): v for k, v in arrays.items() if k.startswith(start)}
