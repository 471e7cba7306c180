"""Columns of each row, whose means over a day are compared: ranks, tails, and decorrelation.

Everything that a column needs is learned once, from rows that are never compared.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycovigil_statistics.drift.views.scores import tail_features
from mycovigil_statistics.sample import FloatArray

Columns = dict[str, FloatArray]
# Of the rows that ranks are taken against: finer than the share of rows that a tail column marks.
MOST_RANKED = 4_000
LEAST_EIGENVALUE = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Decorrelation:
    """Columns made uncorrelated and of unit variance; those without variance of their own go.

    `mean` (c,), `matrix` (c, e).
    """

    mean: FloatArray
    matrix: FloatArray

    def apply(self, columns: FloatArray) -> FloatArray:
        """(n, e) from (n, c)."""
        return (columns - self.mean) @ self.matrix

    @classmethod
    def fit(cls, columns: FloatArray) -> "Decorrelation":
        """Learn from (n, c) columns."""
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
class ViewColumns:
    """What the columns of each view need: `ranked` (n, s), sorted values to rank against, and a
    decorrelation of each view that has one."""

    ranked: dict[str, FloatArray]
    decorrelations: dict[str, Decorrelation]

    def decorrelated(self, raw: Columns) -> Columns:
        """The views that were known when the decorrelations were learned."""
        known = self.decorrelations.items()
        return {view: fitted.apply(raw[view]) for view, fitted in known if view in raw}

    def learned(self, raw: Columns) -> "ViewColumns":
        """The same ranks, with decorrelations learned from these columns."""
        return ViewColumns(self.ranked, {v: Decorrelation.fit(c) for v, c in raw.items()})

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        arrays: dict[str, NDArray[Any]] = {f"ranked.{n}": v for n, v in self.ranked.items()}
        for name, fitted in self.decorrelations.items():
            arrays |= {f"mean.{name}": fitted.mean, f"matrix.{name}": fitted.matrix}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "ViewColumns":
        names = [name.removeprefix("matrix.") for name in arrays if name.startswith("matrix.")]
        return cls(
            {k.removeprefix("ranked."): v for k, v in arrays.items() if k.startswith("ranked.")},
            {n: Decorrelation(arrays[f"mean.{n}"], arrays[f"matrix.{n}"]) for n in names},
        )


def fingerprint(arrays: Mapping[str, NDArray[Any]]) -> int:
    """A number that two geometries share only if their arrays are equal."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return int.from_bytes(digest.digest()[:7], "big")


def sorted_columns(values: FloatArray) -> FloatArray:
    """(n, s) values, each column sorted, thinned to what ranks need; NaN last."""
    step = 1 + (len(values) - 1) // MOST_RANKED
    return np.sort(values, axis=0)[::step].astype(np.float32)


def ranks_among(ranked: FloatArray, values: FloatArray) -> FloatArray:
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


def ranks_and_tails(ranked: FloatArray, values: FloatArray) -> FloatArray:
    """Mid-ranks, and indicators of the upper tails."""
    ranks = ranks_among(ranked, values)
    return np.hstack([ranks, tail_features(ranks)])
