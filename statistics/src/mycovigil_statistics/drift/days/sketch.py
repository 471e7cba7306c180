"""A day in some kilobytes: mean and variance of every column over the day's independent units.

All later questions about the day are answered by its sketch; its rows need not be kept.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycovigil_statistics.drift.days.columns import Columns
from mycovigil_statistics.errors import DimensionMismatch, InsufficientRows
from mycovigil_statistics.sample import IntArray

Vector = NDArray[np.float64]
LEAST_UNITS = 2
ROWS_AT_ONCE = 4_096


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Of one view: `mean` (c,) over `units` independent units, `variance` (c,) between them.

    `geometry`: fingerprint of what the columns were made with.
    """

    units: int
    mean: Vector
    variance: Vector
    geometry: int

    def merged(self, other: "Moments") -> "Moments":
        """Moments of both parts' units together (Chan, Golub and LeVeque, 1983)."""
        units = self.units + other.units
        step = other.mean - self.mean
        inner = (self.units - 1) * self.variance + (other.units - 1) * other.variance
        between = step**2 * self.units * other.units / units
        mean = self.mean + step * (other.units / units)
        return Moments(units, mean, (inner + between) / (units - 1), self.geometry)


@dataclass(frozen=True, slots=True, eq=False)
class DaySketch:
    """Moments by view; `rows` photos. Only sketches of one geometry may be compared."""

    rows: int
    views: dict[str, Moments]

    @property
    def units(self) -> int:
        return max(view.units for view in self.views.values())

    def merge(self, other: "DaySketch") -> "DaySketch":
        """Both parts of a day as one; exact where no unit has rows in both.

        Raises `DimensionMismatch` if they are not of one geometry.
        """
        require_one_geometry([self, other])
        shared = self.views.keys() & other.views.keys()
        views = {name: self.views[name].merged(other.views[name]) for name in sorted(shared)}
        return DaySketch(self.rows + other.rows, views)

    def joined(self, other: "DaySketch") -> "DaySketch":
        """The views of both: a feature part beside the prediction part of the same rows."""
        return DaySketch(self.rows, self.views | other.views)

    def only(self, *names: str) -> "DaySketch":
        """Some views, for instance the feature part alone."""
        return DaySketch(self.rows, {n: v for n, v in self.views.items() if n in names})

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Plain arrays by name, for `numpy.savez` or safetensors."""
        arrays: dict[str, NDArray[Any]] = {"rows": np.array([self.rows], np.int64)}
        for name, view in self.views.items():
            arrays[f"units.{name}"] = np.array([view.units, view.geometry], np.int64)
            arrays[f"mean.{name}"] = view.mean
            arrays[f"variance.{name}"] = view.variance
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "DaySketch":
        """Undo `to_arrays`. Raises KeyError if an array is missing."""
        names = [name.removeprefix("units.") for name in arrays if name.startswith("units.")]
        views = {
            name: Moments(
                int(arrays[f"units.{name}"][0]),
                np.asarray(arrays[f"mean.{name}"], np.float64),
                np.asarray(arrays[f"variance.{name}"], np.float64),
                int(arrays[f"units.{name}"][1]),
            )
            for name in names
        }
        return cls(int(arrays["rows"][0]), views)


def sketch_of(units: IntArray, columns: Callable[[IntArray], Columns], geometry: int) -> DaySketch:
    """Sketch rows whose unit numbers are (n,) `units`: a unit counts once, by its rows' mean.

    `columns`: the columns of the rows of given numbers, by view; asked for in runs of whole units,
    so that memory does not grow with the rows. `geometry`: its fingerprint.

    Raises `InsufficientRows` below two units.
    """
    order = np.argsort(units, kind="stable")
    ordered = units[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    if len(starts) < LEAST_UNITS:
        raise InsufficientRows(f"{len(starts)} independent units: a day's variance needs two")
    sums: dict[str, tuple[Vector, Vector]] = {}
    for low, high in _runs(starts, len(units)):
        for name, values in columns(order[low:high]).items():
            inside = starts[(starts >= low) & (starts < high)] - low
            means = _unit_means(values.astype(np.float64), inside)
            first, second = sums.get(name, (0.0, 0.0))
            sums[name] = (first + means.sum(axis=0), second + np.square(means).sum(axis=0))
    views = {n: _moments(len(starts), *both, geometry) for n, both in sums.items()}
    return DaySketch(len(units), views)


def _unit_means(values: Vector, starts: IntArray) -> Vector:
    """(units, c) means of the rows from each start to the next."""
    if len(starts) == len(values):
        return values
    sizes = np.diff(np.append(starts, len(values)))
    return np.asarray(np.add.reduceat(values, starts, axis=0) / sizes[:, None])


def _runs(starts: IntArray, rows: int) -> Iterator[tuple[int, int]]:
    """Borders of runs of whole units, of some thousand rows each."""
    low = 0
    while low < rows:
        later = starts[starts >= low + ROWS_AT_ONCE]
        high = int(later[0]) if len(later) else rows
        yield low, high
        low = high


def _moments(units: int, total: Vector, squares: Vector, geometry: int) -> Moments:
    """Columns are near mean 0 and variance 1, so that sums of squares lose no digits."""
    mean = total / units
    variance = np.maximum(squares - units * mean**2, 0) / (units - 1)
    return Moments(units, mean, variance, geometry)


def require_one_geometry(sketches: Sequence[DaySketch]) -> None:
    """Raise `DimensionMismatch` if a view was not made by one geometry everywhere."""
    known: dict[str, int] = {}
    for sketch in sketches:
        for name, view in sketch.views.items():
            if known.setdefault(name, view.geometry) != view.geometry:
                raise DimensionMismatch(
                    f"{name} was sketched with two geometries: such days are never compared"
                )
