"""What a day is described by: columns of each row, whose means over a day are compared.

Six groups of views, each blind to what another sees: where photos lie (`location`, and `leading`
for the axes of most variance, where another photographer differs), how many lie where
(`density`), how odd they are (`oddity`), what was predicted (`predictions`), camera and light
(`covariates`), and novelty scores. Everything that a column needs is learned once, from rows that
are never compared.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycovigil_statistics.drift.views.density import Clusters, fit_clusters
from mycovigil_statistics.drift.views.scores import tail_features
from mycovigil_statistics.drift.views.whitening import Whitening, fit_whitening
from mycovigil_statistics.sample import FloatArray, Sample

ROWS_AT_ONCE = 4_096
# Of the rows that ranks are taken against: finer than the share of rows that a tail column marks.
MOST_RANKED = 4_000
LEAST_EIGENVALUE = 0.02
LEADING_AXES = 32
SCORE_SPANS = (slice(0, 16), slice(16, 64))


@dataclass(frozen=True, slots=True, eq=False)
class Decorrelation:
    """Columns made uncorrelated and of unit variance; those without variance of their own go.

    `mean` (c,), `matrix` (c, e). `effective`: (sum of eigenvalues)² / sum of their squares of the
    columns' covariance on the rows it was learned from, once decorrelated: near e.
    """

    mean: FloatArray
    matrix: FloatArray

    def apply(self, columns: FloatArray) -> FloatArray:
        return (columns - self.mean) @ self.matrix

    @classmethod
    def fit(cls, columns: FloatArray) -> "Decorrelation":
        mean = columns.mean(axis=0, dtype=np.float64)
        centred = columns - mean
        spread = np.sqrt(np.square(centred).mean(axis=0))
        scale = np.divide(1, spread, out=np.zeros_like(spread), where=spread > 1e-6)
        correlation = (centred * scale).T @ (centred * scale) / len(columns)
        eigenvalues, axes = np.linalg.eigh(correlation)
        kept = eigenvalues > LEAST_EIGENVALUE
        matrix = scale[:, None] * axes[:, kept] / np.sqrt(eigenvalues[kept])
        return cls(mean.astype(np.float32), matrix.astype(np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class DayGeometry:
    """What is learned once an encoder; `ranked`: by view, sorted (n, s) values to rank against."""

    whitening: Whitening
    clusters: Clusters
    ranked: dict[str, FloatArray]
    decorrelations: dict[str, Decorrelation]

    def columns(self, sample: Sample) -> Iterator[tuple[slice, dict[str, FloatArray]]]:
        """Decorrelated columns by view, (n, c) each, for runs of rows of the sample."""
        for start in range(0, sample.rows, ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            raw = self._raw(sample, rows)
            found = {
                view: self.decorrelations[view].apply(values)
                for view, values in raw.items()
                if view in self.decorrelations
            }
            white = raw["location"]
            yield rows, {"location": white, "leading": white[:, :LEADING_AXES]} | found

    def _raw(self, sample: Sample, rows: slice) -> dict[str, FloatArray]:
        white = self.whitening.apply(sample.features[rows])
        half = self.whitening.halve(white)
        distances = self.clusters.squared_distances(half)
        leaves = np.eye(len(self.clusters.centres), dtype=np.float32)
        raw = {"location": white, "density": leaves[distances.argmin(axis=1)]}
        if "oddity" in self.ranked:
            raw["oddity"] = _ranks_and_tails(self.ranked["oddity"], _scores(white, distances))
        if sample.probabilities is not None:
            raw["predictions"] = _predictions(sample.probabilities[rows])
        if sample.covariates is not None and "covariates" in self.ranked:
            raw["covariates"] = _covariates(self.ranked["covariates"], sample.covariates[rows])
        if sample.novelty is not None and "novelty" in self.ranked:
            raw["novelty"] = _ranks_and_tails(self.ranked["novelty"], sample.novelty[rows])
        return raw

    @classmethod
    def fit(cls, sample: Sample, seed: int) -> "DayGeometry":
        """Learn from rows of many days, none of which are sketched."""
        whitening = fit_whitening(sample.features)
        white = whitening.apply(sample.features)
        half = whitening.halve(white)
        clusters = fit_clusters(half, seed)
        values = {
            "oddity": _scores(white, clusters.squared_distances(half)),
            "covariates": sample.covariates,
            "novelty": sample.novelty,
        }
        ranked = {name: _sorted(part) for name, part in values.items() if part is not None}
        bare = cls(whitening, clusters, ranked, {})
        raw = bare._raw(sample, slice(None))
        fits = {v: Decorrelation.fit(c) for v, c in raw.items() if v != "location"}
        return cls(whitening, clusters, ranked, fits)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Plain arrays by name, for `numpy.savez` or safetensors."""
        arrays: dict[str, NDArray[Any]] = {
            "mean": self.whitening.mean,
            "basis": self.whitening.basis,
            "variances": self.whitening.variances,
            "centres": self.clusters.centres,
            "tree": self.clusters.tree,
        }
        arrays |= {f"ranked.{name}": values for name, values in self.ranked.items()}
        for name, fitted in self.decorrelations.items():
            arrays |= {f"mean.{name}": fitted.mean, f"matrix.{name}": fitted.matrix}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "DayGeometry":
        """Undo `to_arrays`. Raises KeyError if an array is missing."""
        names = [name.removeprefix("matrix.") for name in arrays if name.startswith("matrix.")]
        return cls(
            Whitening(arrays["mean"], arrays["basis"], arrays["variances"]),
            Clusters(arrays["centres"], arrays["tree"]),
            {k.removeprefix("ranked."): v for k, v in arrays.items() if k.startswith("ranked.")},
            {n: Decorrelation(arrays[f"mean.{n}"], arrays[f"matrix.{n}"]) for n in names},
        )


def _scores(white: FloatArray, distances: FloatArray) -> FloatArray:
    """(n, 4): squared length, distance to the nearest cluster, leading and middle axes."""
    squares = np.square(white)
    columns = [squares.sum(axis=1), distances.min(axis=1)]
    columns += [squares[:, span].sum(axis=1) for span in SCORE_SPANS]
    return np.stack(columns, axis=1)


def _sorted(values: FloatArray) -> FloatArray:
    """(n, s) values, each column sorted, thinned to what ranks need; NaN last."""
    step = 1 + (len(values) - 1) // MOST_RANKED
    return np.sort(values, axis=0)[::step].astype(np.float32)


def _ranks(ranked: FloatArray, values: FloatArray) -> FloatArray:
    """(n, s) mid-ranks in [-.5, .5] among the sorted columns; 0 where a value is missing."""
    ranks = np.zeros(values.shape, np.float32)
    for column, known in enumerate(ranked.T):
        among = known[np.isfinite(known)]
        seen = np.isfinite(values[:, column])
        if len(among):
            below = np.searchsorted(among, values[seen, column], "left")
            upto = np.searchsorted(among, values[seen, column], "right")
            ranks[seen, column] = (below + upto) / (2 * len(among)) - 0.5
    return ranks


def _ranks_and_tails(ranked: FloatArray, values: FloatArray) -> FloatArray:
    ranks = _ranks(ranked, values)
    return np.hstack([ranks, tail_features(ranks)])


def _predictions(probabilities: FloatArray) -> FloatArray:
    chosen = np.eye(probabilities.shape[1], dtype=np.float32)[probabilities.argmax(axis=1)]
    return np.hstack([probabilities, chosen])


def _covariates(ranked: FloatArray, values: FloatArray) -> FloatArray:
    """Ranks, distances from the middle, and what is missing."""
    ranks = _ranks(ranked, values)
    missing = np.isnan(values)
    spread = np.where(missing, np.float32(0.25), np.abs(ranks))
    return np.hstack([ranks, spread, missing.astype(np.float32)])
