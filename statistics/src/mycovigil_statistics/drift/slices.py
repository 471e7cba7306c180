"""Which slice of a night drifted: one client, one predicted class, one hour, one app version.

The null of a slice: its photos are drawn like the reference's; for a predicted class, like those
of the reference that were predicted the same. A client who always photographs other things than
the reference holds therefore differs every night: give such a client a reference of its own.

The slices that may page share one level by Holm's procedure (1979), whatever their dependence, and
all others, which inform, another one: nothing of a budget is spent on what cannot page. With
`MonthlyBudget(slices=2)` the whole night is one test and all its paging slices the other.
"""

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycovigil_statistics.drift.holm import holm
from mycovigil_statistics.drift.reference import FittedReference
from mycovigil_statistics.drift.result import DriftResult
from mycovigil_statistics.drift.two_sample import LEAST_GROUPS, LEAST_ROWS, judge, permutations_for
from mycovigil_statistics.sample import FloatArray, Groups, IntArray, keys_of, units_of

PREDICTED_CLASS = "predicted_class"
MOST_VALUES = 12
POOL_UNITS = 2_000
# Of all slices together that inform: in at most so many calm nights one of them is named.
INFORMING_LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class SliceResult:
    """One slice of the night: its `rows`, and what the test said.

    `result` is None where the slice, or the reference's part to compare it with, is too small;
    `adjusted_p` is Holm's over all judged slices that share its `level`, `drifted` whether it is
    at most that level; `pages`: whether the slice may raise an alarm, or informs.
    """

    dimension: str
    value: Hashable
    rows: int
    result: DriftResult | None
    adjusted_p: float | None
    drifted: bool
    level: float
    pages: bool


def judge_slices(
    fitted: FittedReference,
    features: ArrayLike,
    probabilities: ArrayLike | None = None,
    covariates: ArrayLike | None = None,
    *,
    slices: Mapping[str, Sequence[Hashable]],
    level: float,
    paging: Collection[str] = (PREDICTED_CLASS,),
    novelty: ArrayLike | None = None,
    groups: Groups = None,
    seed: int = 0,
    permutations: int | None = None,
) -> tuple[SliceResult, ...]:
    """Judge the slices of a night: arrays as for `judge`, and a value a row for every dimension.

    `slices`: by dimension ("client", "hour", "app_version"), (m,) values; None stands for no
    value and is left out. "predicted_class" needs no entry: it is there wherever probabilities
    are. Of each dimension the 12 values with most rows are judged, the rest left out.
    `paging`: the dimensions whose slices share `level`; the others share .05.
    `permutations`: at most so many for each slice; by default enough for a p below the level that
    the strictest slice must meet (some seconds for each slice that drifted). Where the whole
    night drifted anyway and only a heat map is wanted, 999 are enough.

    Returns the judged slices by p-value, then those too small to judge. Raises
    `DimensionMismatch`, `NotFinite`; ValueError if a dimension has not one value a row.
    """
    night = _Night.of(features, probabilities, covariates, novelty, groups)
    families: dict[bool, list[_Slice]] = {True: [], False: []}
    for dimension, value, rows in _members(night, slices):
        pool = _pool(fitted, dimension, value, seed) if night.enough(rows) else None
        families[dimension in paging].append(_Slice(dimension, value, rows, pool))
    results: list[SliceResult] = []
    for pages, family in families.items():
        share = level if pages else INFORMING_LEVEL
        most = permutations or permutations_for(share, sum(one.pool is not None for one in family))
        found = [
            None if one.pool is None else night.judge(one.pool, one.rows, seed, most)
            for one in family
        ]
        results += _adjusted(family, found, share, pages=pages)
    return tuple(sorted(results, key=_by_p_value))


@dataclass(frozen=True, slots=True, eq=False)
class _Slice:
    """A slice's row numbers, and the reference to compare it with; none where either is small."""

    dimension: str
    value: Hashable
    rows: IntArray
    pool: FittedReference | None


def _adjusted(
    family: Sequence[_Slice], found: Sequence[DriftResult | None], level: float, *, pages: bool
) -> Iterator[SliceResult]:
    """The results of slices that share one level."""
    adjusted = iter(holm([one.p_value for one in found if one is not None]))
    for one, result in zip(family, found, strict=True):
        p = None if result is None else float(next(adjusted))
        drifted = p is not None and p <= level
        yield SliceResult(one.dimension, one.value, len(one.rows), result, p, drifted, level, pages)


@dataclass(frozen=True, slots=True, eq=False)
class _Night:
    """The night's arrays as they were given."""

    features: FloatArray
    probabilities: FloatArray | None
    covariates: FloatArray | None
    novelty: FloatArray | None
    groups: NDArray[np.object_] | None

    @classmethod
    def of(
        cls,
        features: ArrayLike,
        probabilities: ArrayLike | None,
        covariates: ArrayLike | None,
        novelty: ArrayLike | None,
        groups: Groups,
    ) -> "_Night":
        p, z, s = (
            None if part is None else np.asarray(part)
            for part in (probabilities, covariates, novelty)
        )
        return cls(
            np.asarray(features),
            p,
            z,
            s,
            None if groups is None else np.array([*keys_of(groups), None], dtype=object)[:-1],
        )

    def enough(self, rows: IntArray) -> bool:
        groups = None if self.groups is None else self.groups[rows]
        units = units_of(groups, np.arange(len(rows))).max() + 1
        return len(rows) >= LEAST_ROWS and units >= LEAST_GROUPS

    def judge(
        self, fitted: FittedReference, rows: IntArray, seed: int, permutations: int
    ) -> DriftResult:
        return judge(
            fitted,
            self.features[rows],
            None if self.probabilities is None else self.probabilities[rows],
            None if self.covariates is None else self.covariates[rows],
            novelty=None if self.novelty is None else self.novelty[rows],
            groups=None if self.groups is None else self.groups[rows],
            seed=seed,
            permutations=permutations,
        )


def _members(
    night: _Night, slices: Mapping[str, Sequence[Hashable]]
) -> Iterator[tuple[str, Hashable, IntArray]]:
    """Dimension, value and row numbers of the slices with most rows."""
    columns = dict(slices)
    if night.probabilities is not None:
        columns[PREDICTED_CLASS] = night.probabilities.argmax(axis=1).tolist()
    for dimension, values in columns.items():
        if len(values) != len(night.features):
            raise ValueError(f"{len(values)} values of {dimension} for {len(night.features)} rows")
        rows: dict[Hashable, list[int]] = {}
        for row, value in enumerate(values):
            if value is not None:
                rows.setdefault(value, []).append(row)
        largest = sorted(rows.items(), key=lambda item: (-len(item[1]), str(item[0])))
        for value, members in largest[:MOST_VALUES]:
            yield dimension, value, np.array(members, np.int64)


def _pool(
    fitted: FittedReference, dimension: str, value: Hashable, seed: int
) -> FittedReference | None:
    """The reference with the part of its pool that the slice is compared with, if large enough; of
    more than `POOL_UNITS` units a random choice."""
    pool = fitted.pool
    rows = np.arange(pool.rows)
    if dimension == PREDICTED_CLASS:
        if pool.probabilities is None:
            return None
        rows = np.flatnonzero(pool.probabilities.argmax(axis=1) == value)
    units = np.unique(pool.units[rows])
    if len(rows) < LEAST_ROWS or len(units) < LEAST_GROUPS:
        return None
    if len(units) > POOL_UNITS:
        units = np.random.default_rng(seed).choice(units, POOL_UNITS, replace=False)
    kept = rows[np.isin(pool.units[rows], units)]
    return replace(fitted, pool=pool.take(kept))


def _by_p_value(result: SliceResult) -> tuple[float, str, str]:
    p_value = 2.0 if result.result is None else result.result.p_value
    return p_value, result.dimension, str(result.value)
