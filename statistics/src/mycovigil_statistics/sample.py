"""A validated sample: rows of arrays, and the independent units that they come from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycovigil_statistics.errors import (
    DimensionMismatch,
    InsufficientRows,
    NotFinite,
    NotNumbers,
)

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.int64]


@runtime_checkable
class Array(Protocol):
    """What NumPy reads, for instance a column of a data frame."""

    def __array__(self) -> NDArray[Any]: ...


Keys = Sequence[Any] | NDArray[Any] | Array
Groups = Keys | None
# Columns that tell nearly all rows apart.
LEADING = 4


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Rows to test, in a canonical order, so that nothing depends on the order of arrival.

    `features` (n, d), `probabilities` (n, c) or None, `covariates` (n, k) or None (NaN means
    missing), `units` (n,): the independent unit of each row, numbered from 0 by first appearance;
    `novelty` (n, s) or None: how strange others find a row, larger is stranger (NaN: missing);
    `days` (n,) or None: the day of each row's unit, numbered in order of the keys.
    """

    features: FloatArray
    probabilities: FloatArray | None
    covariates: FloatArray | None
    units: IntArray
    novelty: FloatArray | None = None
    days: IntArray | None = None

    @property
    def rows(self) -> int:
        return len(self.features)

    @property
    def unit_count(self) -> int:
        return int(self.units.max()) + 1

    def take(self, rows: IntArray) -> "Sample":
        return Sample(
            self.features[rows],
            None if self.probabilities is None else self.probabilities[rows],
            None if self.covariates is None else self.covariates[rows],
            renumbered(self.units[rows]),
            None if self.novelty is None else self.novelty[rows],
            None if self.days is None else self.days[rows],
        )


def validated(
    features: ArrayLike,
    probabilities: ArrayLike | None = None,
    covariates: ArrayLike | None = None,
    groups: Groups = None,
    novelty: ArrayLike | None = None,
    days: Groups = None,
    *,
    least_rows: int,
    least_groups: int,
) -> Sample:
    """Check shapes, finiteness and size.

    Raises `InsufficientRows`, `DimensionMismatch`, `NotNumbers`, `NotFinite`.
    """
    x = _matrix(features, "features")
    if len(x) < least_rows:
        raise InsufficientRows(f"{len(x)} rows given, at least {least_rows} are needed")
    p = None if probabilities is None else _matrix(probabilities, "probabilities", len(x))
    z = None if covariates is None else _with_gaps(covariates, "covariates", len(x))
    s = None if novelty is None else _with_gaps(novelty, "novelty", len(x))
    order = canonical_order(x, p, z, s)
    units = units_of(groups, order)
    if units.max() + 1 < least_groups:
        raise InsufficientRows(
            f"{units.max() + 1} independent groups given, at least {least_groups} are needed"
        )
    p, z, s = (None if part is None else part[order] for part in (p, z, s))
    return Sample(x[order], p, z, units, s, None if days is None else _days_of(days, order, units))


def canonical_order(features: FloatArray, *others: FloatArray | None) -> IntArray:
    """Row numbers sorted by content, not by arrival: by the first columns, and where these tie by
    all that is known of the rows."""
    order = np.lexsort(features[:, :LEADING].T[::-1])
    first = features[order, :LEADING]
    repeated = (first[1:] == first[:-1]).all(axis=1)
    tied = np.append(repeated, False) | np.append(False, repeated)
    rows = order[tied]
    whole = np.hstack([features[rows], *(part[rows] for part in others if part is not None)])
    order[tied] = rows[np.lexsort(whole.T[::-1])]
    return order.astype(np.int64)


def _days_of(days: Groups, order: IntArray, units: IntArray) -> IntArray:
    """The day of each row in `order`; a unit over midnight belongs to its earliest day."""
    keys = np.asarray(days)
    if keys.ndim != 1 or len(keys) != len(order):
        raise DimensionMismatch(f"days must be one key a row, got an array of {keys.shape}")
    numbers = np.unique(keys, return_inverse=True)[1].astype(np.int64)[order]
    earliest = np.full(int(units.max()) + 1, len(keys), np.int64)
    np.minimum.at(earliest, units, numbers)
    return np.asarray(earliest[units])


def renumbered(units: IntArray) -> IntArray:
    """Unit numbers made consecutive, keeping their order."""
    return np.unique(units, return_inverse=True)[1].astype(np.int64)


def _matrix(
    values: ArrayLike, name: str, rows: int | None = None, *, finite: bool = True
) -> FloatArray:
    matrix = _numbers(values, name)
    if matrix.ndim != 2 or matrix.shape[1] == 0:
        raise DimensionMismatch(f"{name} must be a (rows, columns) array, got {matrix.shape}")
    if rows is not None and len(matrix) != rows:
        raise DimensionMismatch(f"{len(matrix)} rows of {name} for {rows} rows of features")
    if finite and not np.isfinite(matrix).all():
        bad = int((~np.isfinite(matrix)).any(axis=1).sum())
        raise NotFinite(f"{bad} rows of {name} hold NaN or infinity: drop them and count them")
    return matrix


def _numbers(values: ArrayLike, name: str) -> FloatArray:
    """As float32; what is too large for it becomes infinite."""
    given = np.asarray(values)
    if given.dtype.kind not in "biufO":
        raise NotNumbers(f"{name} must be real numbers, got {given.dtype}")
    try:
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(given, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise NotNumbers(f"{name} must be real numbers: {error}") from error


def _with_gaps(values: ArrayLike, name: str, rows: int) -> FloatArray:
    """As `_matrix`; what is not finite counts as missing, NaN."""
    matrix = _matrix(values, name, rows, finite=False)
    return np.where(np.isfinite(matrix), matrix, np.float32(np.nan))


def keys_of(groups: Keys) -> Sequence[Any] | NDArray[Any]:
    """Keys that are read by place: a column of a data frame is read by its labels."""
    return np.asarray(groups) if isinstance(groups, Array) else groups


def units_of(groups: Groups, order: IntArray) -> IntArray:
    """Unit numbers of the rows taken in `order`; a row whose group is missing stands alone."""
    if groups is None:
        return np.arange(len(order), dtype=np.int64)
    keys = keys_of(groups)
    if isinstance(keys, np.ndarray) and keys.ndim != 1:
        raise DimensionMismatch(f"groups must be one key a row, got an array of {keys.shape}")
    if len(keys) != len(order):
        raise DimensionMismatch(f"{len(keys)} groups for {len(order)} rows of features")
    number: dict[Any, int] = {}
    units = np.empty(len(order), np.int64)
    for place, row in enumerate(order.tolist()):
        group = keys[row]
        alone = group is None or group != group  # noqa: PLR0124 - NaN, as pandas writes missing
        units[place] = number.setdefault(("row", row) if alone else group, len(number))
    return units
