"""Conformal risk control of a floor (Angelopoulos et al., arXiv 2208.02814), and prediction sets.

Every score here is a probability that should be high; a photo is *lost* where its score is below
the floor. With G exchangeable specimens, the largest floor whose

    (sum over specimens of the share of its photos that are lost + 1) / (G + 1) <= target

has an expected share of lost photos of at most ``target`` on a new specimen. With one photo a
specimen this is split conformal prediction; photos of one specimen count together, since they
are no independent evidence. No target below 1 / (G + 1) can be certified. The bound is an average
over calibrations; one that holds with confidence is in
:mod:`mycovigil_statistics.safety.certified_floor`.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


class NotCertifiable(ValueError):
    """Too few specimens for the target: ``smallest`` is the least that they could support."""

    def __init__(self, target: float, units: int) -> None:
        self.target = target
        self.units = units
        self.smallest = smallest_certifiable(units)
        super().__init__(
            f"{units} specimens cannot certify a risk below {self.smallest:.3f}; "
            f"a target of {target:g} needs at least {units_needed(target)}"
        )


@dataclass(frozen=True, slots=True)
class Floor:
    """``value``: the largest floor that keeps the risk; ``bound``: what it was shown to keep,
    between 1/(units+1) and ``target``; ``units`` specimens, ``rows`` photos."""

    value: float
    target: float
    bound: float
    units: int
    rows: int


@dataclass(frozen=True, slots=True)
class SetFloors:
    """Per class, (C,): a class belongs to the set where its probability >= ``floors``.

    Where ``certified`` is false the class had too few specimens: its floor is 0, so it can
    never be ruled out.
    """

    floors: Array
    certified: NDArray[np.bool_]
    units: NDArray[np.int64]

    def members(self, probabilities: ArrayLike) -> NDArray[np.bool_]:
        return np.asarray(np.asarray(probabilities, dtype=np.float64) >= self.floors)


def smallest_certifiable(units: int) -> float:
    """1 / (n + 1): no smaller risk can be certified with n exchangeable specimens."""
    return 1.0 / (units + 1)


def units_needed(target: float) -> int:
    """The fewest specimens that could certify ``target``."""
    return max(math.ceil(1.0 / target - 1.0 - 1e-9), 0)


def largest_floor(scores: ArrayLike, target: float, groups: ArrayLike | None = None) -> Floor:
    """The largest floor with an expected share of lost photos of at most ``target``.

    Args:
        scores: (n,) of the photos that must not be lost (for deadly misses: the calibrated
            probability of deadly, of the deadly calibration photos).
        groups: (n,) specimen of each photo; none if every photo is a specimen of its own.

    Raises:
        NotCertifiable: fewer than 1/target - 1 specimens.
    """
    values = np.asarray(scores, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError("scores hold NaN or infinity")
    if not 0 < target < 1:
        raise ValueError(f"a target lies between 0 and 1, not {target}")
    share, units = _shares(len(values), groups)
    if smallest_certifiable(units) > target + 1e-12:
        raise NotCertifiable(target, units)
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    lost_before = np.concatenate([[0.0], np.cumsum(share[order])[:-1]])
    first = np.searchsorted(ranked, ranked, side="left")
    risks = (lost_before[first] + 1.0) / (units + 1)
    best = int(np.flatnonzero(risks <= target + 1e-12)[-1])
    return Floor(float(ranked[best]), target, float(risks[best]), units, len(values))


def set_floors(
    probabilities: ArrayLike,
    labels: ArrayLike,
    targets: ArrayLike,
    groups: ArrayLike | None = None,
) -> SetFloors:
    """Class-conditional (Mondrian) conformal sets: each class has its own miss rate.

    Args:
        probabilities: (N, C) of calibration photos that neither head nor scaling has seen.
        labels: (N,) their classes.
        targets: (C,) share of a class's photos whose set may lack it.
    """
    rows = np.asarray(probabilities, dtype=np.float64)
    truth = np.asarray(labels, dtype=np.int64)
    names = None if groups is None else np.asarray(groups)
    wanted = np.broadcast_to(np.asarray(targets, dtype=np.float64), (rows.shape[1],))
    floors = np.zeros(rows.shape[1])
    certified = np.zeros(rows.shape[1], dtype=bool)
    units = np.zeros(rows.shape[1], dtype=np.int64)
    for column, target in enumerate(wanted):
        own = truth == column
        own_groups = None if names is None else names[own]
        units[column] = _shares(int(own.sum()), own_groups)[1]
        if smallest_certifiable(int(units[column])) <= target + 1e-12:
            floors[column] = largest_floor(rows[own, column], float(target), own_groups).value
            certified[column] = True
    return SetFloors(floors, certified, units)


def _shares(rows: int, groups: ArrayLike | None) -> tuple[Array, int]:
    """Each photo's share of its specimen, and the number of specimens."""
    if groups is None:
        return np.ones(rows), rows
    names = np.asarray(groups)
    if len(names) != rows:
        raise ValueError(f"{rows} scores but {len(names)} groups")
    _, index, counts = np.unique(names, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / counts[index]), len(counts)
