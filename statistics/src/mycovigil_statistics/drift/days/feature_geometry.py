"""The feature part of a day: where photos lie, how densely, how odd they are, camera and light.

Five views, each blind to what another sees: `location` and `leading` (the axes of most variance,
where another photographer differs), `density`, `oddity` and `covariates`. Learned once an encoder.
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
    ranks_among,
    ranks_and_tails,
    sorted_columns,
)
from mycovigil_statistics.drift.days.sketch import DaySketch, sketch_of
from mycovigil_statistics.drift.views.density import Clusters, fit_clusters
from mycovigil_statistics.drift.views.whitening import Whitening, fit_whitening
from mycovigil_statistics.errors import DimensionMismatch
from mycovigil_statistics.sample import FloatArray, Groups, Sample, validated

LEAST_ROWS = 30
MOST_ROWS = 10_000
LEADING_AXES = 32
# A cluster with a smaller share of photos is left out: a day's share of it is a photo or none.
LEAST_SHARE = 0.003
SCORE_SPANS = (slice(0, 16), slice(16, 64))


@dataclass(frozen=True, slots=True, eq=False)
class FeatureGeometry:
    """What the feature part of every day is sketched with."""

    whitening: Whitening
    clusters: Clusters
    views: ViewColumns

    @classmethod
    def fit(
        cls, features: ArrayLike, covariates: ArrayLike | None = None, *, seed: int = 0
    ) -> "FeatureGeometry":
        """Learn from (n, d) features and (n, k) covariates, none of which are sketched later.

        At most 10,000 rows are learned from, drawn by `seed`.

        Raises `InsufficientRows` below 30 rows, `DimensionMismatch`, `NotFinite`.
        """
        sample = validated(features, None, covariates, least_rows=LEAST_ROWS, least_groups=1)
        if sample.rows > MOST_ROWS:
            drawn = np.random.default_rng(seed).choice(sample.rows, MOST_ROWS, replace=False)
            sample = sample.take(np.sort(drawn))
        return cls.fit_sample(sample, seed)

    @classmethod
    def fit_sample(cls, sample: Sample, seed: int) -> "FeatureGeometry":
        whitening = fit_whitening(sample.features)
        white = whitening.apply(sample.features)
        half = whitening.halve(white)
        clusters = fit_clusters(half, seed)
        ranked = {"oddity": sorted_columns(_scores(white, clusters.squared_distances(half)))}
        if sample.covariates is not None:
            ranked["covariates"] = sorted_columns(sample.covariates)
        bare = cls(whitening, clusters, ViewColumns(ranked, {}))
        raw = bare._raw(sample.features, sample.covariates)
        raw.pop("location")
        raw["density"] *= raw["density"].mean(axis=0) >= LEAST_SHARE
        return cls(whitening, clusters, bare.views.learned(raw))

    def sketch(
        self, features: ArrayLike, covariates: ArrayLike | None = None, *, groups: Groups = None
    ) -> DaySketch:
        """The feature part of a day. Raises `InsufficientRows` below two rows or groups,
        `DimensionMismatch`, `NotFinite`."""
        return self.sketch_sample(
            validated(features, None, covariates, groups, least_rows=2, least_groups=2)
        )

    def sketch_sample(self, sample: Sample) -> DaySketch:
        self._require_width("features", self.whitening.dimension, sample.features)
        if "covariates" in self.views.ranked and sample.covariates is not None:
            known = self.views.ranked["covariates"].shape[1]
            self._require_width("covariates", known, sample.covariates)

        def columns(rows: NDArray[np.int64]) -> Columns:
            covariates = None if sample.covariates is None else sample.covariates[rows]
            raw = self._raw(sample.features[rows], covariates)
            white = raw["location"]
            leading = white[:, :LEADING_AXES]
            return {"location": white, "leading": leading} | self.views.decorrelated(raw)

        return sketch_of(sample.units, columns, fingerprint(self.to_arrays()))

    @staticmethod
    def _require_width(name: str, known: int, given: FloatArray) -> None:
        if given.shape[1] != known:
            raise DimensionMismatch(
                f"{name} have {given.shape[1]} columns, the geometry has {known}: features of two "
                "encoders are never compared"
            )

    def _raw(self, features: FloatArray, covariates: FloatArray | None) -> Columns:
        white = self.whitening.apply(features)
        distances = self.clusters.squared_distances(self.whitening.halve(white))
        leaves = np.eye(len(self.clusters.centres), dtype=np.float32)
        oddity = ranks_and_tails(self.views.ranked["oddity"], _scores(white, distances))
        raw = {"location": white, "density": leaves[distances.argmin(axis=1)], "oddity": oddity}
        if covariates is not None and "covariates" in self.views.ranked:
            raw["covariates"] = _covariates(self.views.ranked["covariates"], covariates)
        return raw

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Plain arrays by name, for `numpy.savez` or safetensors."""
        return self.views.to_arrays() | {
            "mean": self.whitening.mean,
            "basis": self.whitening.basis,
            "variances": self.whitening.variances,
            "centres": self.clusters.centres,
            "tree": self.clusters.tree,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "FeatureGeometry":
        """Undo `to_arrays`. Raises KeyError if an array is missing."""
        return cls(
            Whitening(arrays["mean"], arrays["basis"], arrays["variances"]),
            Clusters(arrays["centres"], arrays["tree"]),
            ViewColumns.from_arrays(arrays),
        )


def _scores(white: FloatArray, distances: FloatArray) -> FloatArray:
    """(n, 4): squared length, distance to the nearest cluster, leading and middle axes."""
    squares = np.square(white)
    columns = [squares.sum(axis=1), distances.min(axis=1)]
    columns += [squares[:, span].sum(axis=1) for span in SCORE_SPANS]
    return np.stack(columns, axis=1)


def _covariates(ranked: FloatArray, values: FloatArray) -> FloatArray:
    """Ranks, distances from the middle, and what is missing."""
    ranks = ranks_among(ranked, values)
    missing = np.isnan(values)
    spread = np.where(missing, np.float32(0.25), np.abs(ranks))
    return np.hstack([ranks, spread, missing.astype(np.float32)])
