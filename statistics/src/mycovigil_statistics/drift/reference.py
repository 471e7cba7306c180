"""Fit a reference set once: what to look at (learned from one half) and what is calm (the other).

The half that the geometry is learned from is never compared with: a null distribution from rows
that the fit has seen is optimistic (measured: 7 to 9% false alarms at a nominal 5%).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycovigil_statistics.drift.views.density import Clusters, Fourier, fit_clusters, fit_fourier
from mycovigil_statistics.drift.views.features import Geometry
from mycovigil_statistics.drift.views.whitening import Whitening, fit_whitening
from mycovigil_statistics.errors import DimensionMismatch, InsufficientRows
from mycovigil_statistics.sample import Groups, IntArray, Sample, validated

LEAST_ROWS = 100
LEAST_GROUPS = 30
LEAST_HELD_OUT = 10
MOST_ROWS = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class FittedReference:
    """A reference ready to judge nights with. Cache it: `to_arrays`, `from_arrays`.

    `pool`: the half held out, its features whitened; `rows`: reference rows handed to `fit`.
    """

    geometry: Geometry
    pool: Sample
    rows: int
    seed: int

    @property
    def dimension(self) -> int:
        return self.geometry.whitening.dimension

    def require_comparable(self, night: Sample) -> None:
        """Raise `DimensionMismatch` if a column count differs from the reference's."""
        widths = {
            "features": (self.pool.features, night.features),
            "probabilities": (self.pool.probabilities, night.probabilities),
            "covariates": (self.pool.covariates, night.covariates),
            "novelty": (self.pool.novelty, night.novelty),
        }
        for name, (reference, tonight) in widths.items():
            if reference is None or tonight is None or reference.shape[1] == tonight.shape[1]:
                continue
            raise DimensionMismatch(
                f"{name} have {tonight.shape[1]} columns, the reference has {reference.shape[1]}: "
                "features of two encoders are never compared"
            )

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Plain arrays by name, for `numpy.savez` or safetensors; no pickle needed."""
        geometry, pool = self.geometry, self.pool
        arrays: dict[str, NDArray[Any] | None] = {
            "mean": geometry.whitening.mean,
            "basis": geometry.whitening.basis,
            "variances": geometry.whitening.variances,
            "centres": geometry.clusters.centres,
            "tree": geometry.clusters.tree,
            "frequencies": geometry.fourier.frequencies,
            "pool_features": pool.features,
            "pool_probabilities": pool.probabilities,
            "pool_covariates": pool.covariates,
            "pool_units": pool.units,
            "pool_novelty": pool.novelty,
            "origin": np.array([self.rows, self.seed], np.int64),
        }
        return {name: array for name, array in arrays.items() if array is not None}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "FittedReference":
        """Undo `to_arrays`. Raises KeyError if an array is missing."""
        whitening = Whitening(arrays["mean"], arrays["basis"], arrays["variances"])
        clusters = Clusters(arrays["centres"], arrays["tree"])
        names = set(arrays)
        pool = Sample(
            arrays["pool_features"],
            arrays["pool_probabilities"] if "pool_probabilities" in names else None,
            arrays["pool_covariates"] if "pool_covariates" in names else None,
            arrays["pool_units"],
            arrays["pool_novelty"] if "pool_novelty" in names else None,
        )
        rows, seed = (int(number) for number in arrays["origin"])
        return cls(Geometry(whitening, clusters, Fourier(arrays["frequencies"])), pool, rows, seed)


def fit(
    reference_features: ArrayLike,
    probabilities: ArrayLike | None = None,
    covariates: ArrayLike | None = None,
    *,
    novelty: ArrayLike | None = None,
    groups: Groups = None,
    seed: int = 0,
    pool_rows: int = MOST_ROWS,
) -> FittedReference:
    """Learn from a reference set: (n, d) features, (n, c) probabilities, (n, k) covariates.

    `groups`: one key a row; rows that share one are dependent (a client's session, a specimen,
    a species and day) and are split and permuted together. `novelty`: (n, s) scores of strangeness
    that something else than this reference gives (`judge`). At most 10,000 rows are learned from
    and `pool_rows` kept to compare with; a slow drift is caught where the pool holds 25 times a
    night's rows or more.

    Raises `InsufficientRows` below 100 rows or 30 groups, or where a few groups hold nearly all
    rows, `DimensionMismatch`, `NotFinite`.
    """
    sample = validated(
        reference_features, probabilities, covariates, groups, novelty,
        least_rows=LEAST_ROWS, least_groups=LEAST_GROUPS,
    )  # fmt: skip
    generator = np.random.default_rng(seed)
    learned, held_out = halves(sample, generator, pool_rows)
    return fitted_on(sample, learned, held_out, seed, generator)


def fitted_on(
    sample: Sample,
    learned: IntArray,
    held_out: IntArray,
    seed: int,
    generator: np.random.Generator | None = None,
) -> FittedReference:
    """Learn from some rows of a sample, and keep others to compare with.

    `generator`: the one that chose the rows, if its stream goes on; stored reports are replayed
    with it, so another stream would give them other p-values.
    """
    geometry = _learn(sample, learned, generator or np.random.default_rng([seed, 1]), seed)
    pool = sample.take(held_out)
    whitened = np.vstack(
        [
            geometry.whitening.apply(part)
            for part in np.array_split(pool.features, 1 + len(held_out) // 4096)
        ]
    )
    return FittedReference(geometry, replace(pool, features=whitened), sample.rows, seed)


def _learn(sample: Sample, rows: IntArray, generator: np.random.Generator, seed: int) -> Geometry:
    features = sample.features[rows]
    whitening = fit_whitening(features)
    half = whitening.halve(whitening.apply(features))
    return Geometry(whitening, fit_clusters(half, seed), fit_fourier(half, generator))


def halves(
    sample: Sample, generator: np.random.Generator, pool_rows: int = MOST_ROWS
) -> tuple[IntArray, IntArray]:
    """Two parts by whole units, halves where these are small, in canonical order, each capped in
    rows. A unit of more than a tenth of the rows is learned from: held out, it might be all that
    there is to compare with. Where days are known, each is halved by itself.

    Raises `InsufficientRows` if fewer than 10 units are left to compare with.
    """
    turn = generator.permutation(sample.unit_count)
    turn[np.bincount(sample.units) > sample.rows / 10] -= sample.unit_count
    order = np.argsort(turn[sample.units], kind="stable")
    learned, held_out = _halved(sample, order)
    learned = learned[:MOST_ROWS]
    cap = _unit_border(sample.units[held_out], min(pool_rows, len(held_out)))
    compared = len(np.unique(sample.units[held_out[:cap]]))
    if compared < LEAST_HELD_OUT:
        raise InsufficientRows(
            f"{compared} independent groups are left to compare with, at least {LEAST_HELD_OUT} "
            "are needed: a few groups hold nearly all rows"
        )
    return learned, held_out[:cap]


def _halved(sample: Sample, order: IntArray) -> tuple[IntArray, IntArray]:
    """Rows in `order`, cut at a unit's border near the middle, day by day where days are known."""
    if sample.days is None:
        border = _unit_border(sample.units[order], sample.rows // 2)
        return order[:border], order[border:]
    parts = [order[sample.days[order] == day] for day in np.unique(sample.days)]
    borders = [_unit_border(sample.units[part], len(part) // 2) for part in parts]
    first = [part[:border] for part, border in zip(parts, borders, strict=True)]
    second = [part[border:] for part, border in zip(parts, borders, strict=True)]
    return _in_order(first, order), _in_order(second, order)


def _in_order(parts: list[IntArray], order: IntArray) -> IntArray:
    """The rows of all parts, in the given order."""
    return order[np.isin(order, np.concatenate(parts))]


def _unit_border(units: IntArray, rows: int) -> int:
    """The first place at or after `rows` where a new unit begins."""
    changes = np.flatnonzero(np.diff(units)) + 1
    later = changes[changes >= rows]
    return int(later[0]) if rows < len(units) and len(later) else len(units)
