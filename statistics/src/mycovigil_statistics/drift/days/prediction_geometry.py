"""The prediction part of a day: what a model answered, and how novel the photos were to it.

Two views, `predictions` and `novelty`. Learned once a model, from the rows of its reference set.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycovigil_statistics.drift.days.columns import (
    Columns,
    ViewColumns,
    fingerprint,
    ranks_and_tails,
    sorted_columns,
)
from mycovigil_statistics.drift.days.sketch import DaySketch, sketch_of
from mycovigil_statistics.errors import DimensionMismatch
from mycovigil_statistics.sample import FloatArray, Groups, Sample, validated

LEAST_ROWS = 30


@dataclass(frozen=True, slots=True, eq=False)
class PredictionGeometry:
    """What the prediction part of a model's days is sketched with."""

    views: ViewColumns

    @classmethod
    def fit(
        cls, probabilities: ArrayLike | None = None, novelty: ArrayLike | None = None
    ) -> "PredictionGeometry":
        """Learn from (n, c) probabilities and (n, s) novelty scores; one of them may be missing.

        Raises `InsufficientRows` below 30 rows, `DimensionMismatch` (also without either),
        `NotFinite`.
        """
        return cls.fit_sample(_sample(probabilities, novelty, None, LEAST_ROWS, 1))

    @classmethod
    def fit_sample(cls, sample: Sample) -> "PredictionGeometry":
        novelty = sample.novelty
        bare = ViewColumns({} if novelty is None else {"novelty": sorted_columns(novelty)}, {})
        return cls(bare.learned(cls(bare)._raw(sample.probabilities, novelty)))

    def sketch(
        self,
        probabilities: ArrayLike | None = None,
        novelty: ArrayLike | None = None,
        *,
        groups: Groups = None,
    ) -> DaySketch:
        """The prediction part of a day. Raises `InsufficientRows` below two rows or groups,
        `DimensionMismatch` (also without either), `NotFinite`."""
        return self.sketch_sample(_sample(probabilities, novelty, groups, 2, 2))

    def sketch_sample(self, sample: Sample) -> DaySketch:
        self._require_widths(sample)

        def columns(rows: NDArray[np.int64]) -> Columns:
            given = (sample.probabilities, sample.novelty)
            probabilities, novelty = (None if part is None else part[rows] for part in given)
            return self.views.decorrelated(self._raw(probabilities, novelty))

        return sketch_of(sample.units, columns, fingerprint(self.to_arrays()))

    def _require_widths(self, sample: Sample) -> None:
        known = self.views.decorrelations.get("predictions")
        widths = {
            "probabilities": (sample.probabilities, known and len(known.mean) // 2),
            "novelty": (sample.novelty, self.views.ranked["novelty"].shape[1])
            if "novelty" in self.views.ranked
            else (None, None),
        }
        for name, (given, width) in widths.items():
            if given is not None and width is not None and given.shape[1] != width:
                raise DimensionMismatch(
                    f"{name} have {given.shape[1]} columns, the geometry has {width}"
                )

    def _raw(self, probabilities: FloatArray | None, novelty: FloatArray | None) -> Columns:
        raw: Columns = {}
        if probabilities is not None:
            raw["predictions"] = _predictions(probabilities)
        if novelty is not None and "novelty" in self.views.ranked:
            raw["novelty"] = ranks_and_tails(self.views.ranked["novelty"], novelty)
        return raw

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Plain arrays by name, for `numpy.savez` or safetensors."""
        return self.views.to_arrays()

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "PredictionGeometry":
        """Undo `to_arrays`."""
        return cls(ViewColumns.from_arrays(arrays))


def _predictions(probabilities: FloatArray) -> FloatArray:
    """Probabilities, and the predicted class."""
    chosen = np.eye(probabilities.shape[1], dtype=np.float32)[probabilities.argmax(axis=1)]
    return np.hstack([probabilities, chosen])


def _sample(
    probabilities: ArrayLike | None,
    novelty: ArrayLike | None,
    groups: Groups,
    least_rows: int,
    least_groups: int,
) -> Sample:
    """A validated sample without features."""
    given = probabilities if probabilities is not None else novelty
    if given is None:
        raise DimensionMismatch("neither probabilities nor novelty scores are given")
    no_features = np.zeros((len(np.asarray(given)), 1), np.float32)
    return validated(
        no_features, probabilities, None, groups, novelty,
        least_rows=least_rows, least_groups=least_groups,
    )  # fmt: skip
