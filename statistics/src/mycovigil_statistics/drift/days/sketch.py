"""A day in some kilobytes: mean and variance of every column over the day's independent units.

All later questions about the day are answered by its sketch; its rows need not be kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycovigil_statistics.drift.days.columns import DayGeometry
from mycovigil_statistics.errors import DimensionMismatch, InsufficientRows
from mycovigil_statistics.sample import Sample

Vector = NDArray[np.float64]
LEAST_UNITS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Of one view: `mean` (c,) over `units` independent units, `variance` (c,) between them."""

    units: int
    mean: Vector
    variance: Vector

    def merged(self, other: "Moments") -> "Moments":
        """Moments of both parts' units together (Chan, Golub and LeVeque, 1983)."""
        units = self.units + other.units
        step = other.mean - self.mean
        inner = (self.units - 1) * self.variance + (other.units - 1) * other.variance
        between = step**2 * self.units * other.units / units
        mean = self.mean + step * (other.units / units)
        return Moments(units, mean, (inner + between) / (units - 1))


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
            arrays[f"units.{name}"] = np.array([view.units], np.int64)
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
            )
            for name in names
        }
        return cls(int(arrays["rows"][0]), views)


def sketch_of(geometry: DayGeometry, sample: Sample) -> DaySketch:
    """Sketch a day's rows: a unit counts once, by the mean of its rows.

    Raises `InsufficientRows` below two units.
    """
    units = sample.unit_count
    if units < LEAST_UNITS:
        raise InsufficientRows(f"{units} independent units: a day's variance needs two")
    weights = 1 / np.bincount(sample.units)
    sums: dict[str, Vector] = {}
    for rows, by_view in geometry.columns(sample):
        numbers = sample.units[rows]
        for name, columns in by_view.items():
            total = sums.setdefault(name, np.zeros((units, columns.shape[1])))
            np.add.at(total, numbers, columns * weights[numbers, None])
    views = {n: Moments(units, m.mean(axis=0), m.var(axis=0, ddof=1)) for n, m in sums.items()}
    return DaySketch(sample.rows, views)


def require_one_geometry(sketches: list[DaySketch]) -> None:
    """Raise `DimensionMismatch` if a view has not the same columns everywhere."""
    widths: dict[str, int] = {}
    for sketch in sketches:
        for name, view in sketch.views.items():
            if widths.setdefault(name, len(view.mean)) != len(view.mean):
                raise DimensionMismatch(
                    f"{name} has {len(view.mean)} columns in one sketch and {widths[name]} in "
                    "another: sketches of two geometries are never compared"
                )
