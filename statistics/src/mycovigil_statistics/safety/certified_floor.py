"""The floor of a certificate: an exact one-sided bound on the share of specimens that are lost.

A photo is *lost* where its score is below the floor, a specimen where any of its photos is. With n
specimens drawn at random, of which k lie below the floor, the share of all specimens below it
exceeds the bound of Clopper and Pearson (1934) for k of n with a chance of at most 5% (an order
statistic as a tolerance limit, Wilks 1941). Both k and the target are chosen from n alone, before a
score is seen: a target chosen by the scores would be exceeded more often.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycovigil_statistics.safety.proportions import upper_bound

TARGETS = (0.01, 0.02, 0.05, 0.10, 0.20)
CONFIDENCE = 0.95


class TooFewSpecimens(ValueError):
    """Too few for any target: ``smallest`` is the least share that they could bound."""

    def __init__(self, target: float, units: int) -> None:
        self.target = target
        self.units = units
        self.smallest = smallest_bound(units)
        super().__init__(
            f"{units} deadly specimens cannot show a bound below {self.smallest:.0%}; "
            f"{target:.0%} needs at least {specimens_needed(target)}"
        )


@dataclass(frozen=True, slots=True)
class CertifiedFloor:
    """``value``: the largest floor that keeps ``target``; ``lost`` of ``units`` specimens lie below
    it, with ``rows`` photos in all; ``bound``: what ``lost`` of ``units`` exclude, at most
    ``target``."""

    value: float
    target: float
    bound: float
    lost: int
    units: int
    rows: int


def smallest_bound(units: int) -> float:
    """The bound where none of so many specimens is lost: 1 - .05**(1/n), 1 without specimens."""
    return upper_bound(0, units, 1 - CONFIDENCE)


def specimens_needed(target: float) -> int:
    """The fewest specimens that, none lost, carry ``target``: 59 for 5%."""
    if not 0 < target < 1:
        raise ValueError(f"a target lies between 0 and 1, not {target}")
    return int(np.ceil(np.log(1 - CONFIDENCE) / np.log1p(-target) - 1e-9))


def supported_target(units: int, targets: ArrayLike = TARGETS) -> float:
    """The smallest of ``targets`` that so many specimens carry if none is lost.

    Raises:
        TooFewSpecimens: they carry none.
    """
    ladder = sorted(np.atleast_1d(np.asarray(targets, dtype=np.float64)).tolist())
    for target in ladder:
        if units >= specimens_needed(target):
            return float(target)
    raise TooFewSpecimens(ladder[-1], units)


def certified_floor(
    scores: ArrayLike, groups: ArrayLike | None = None, targets: ArrayLike = TARGETS
) -> CertifiedFloor:
    """The largest floor whose bound on lost specimens is at most the supported target.

    Args:
        scores: (n,) of the photos that must not be lost, high is good (for deadly misses the
            calibrated probability of deadly).
        groups: (n,) specimen of each photo; none if every photo is a specimen of its own.

    Raises:
        TooFewSpecimens: they carry none of ``targets``.
        ValueError: a score is NaN or infinite.
    """
    values = np.asarray(scores, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError("scores hold NaN or infinity")
    worst = np.sort(_of_specimens(values, groups))
    target = supported_target(len(worst), targets)
    value = worst[_most_lost(len(worst), target)]
    lost = int(np.searchsorted(worst, value, side="left"))
    bound = upper_bound(lost, len(worst), 1 - CONFIDENCE)
    return CertifiedFloor(float(value), target, bound, lost, len(worst), len(values))


def _most_lost(units: int, target: float) -> int:
    """The most lost specimens whose bound is at most ``target``: one less than the 5% quantile of
    Binomial(units, target), the first count with a chance above 5%."""
    from scipy.stats import binom

    most = int(binom.ppf(1 - CONFIDENCE, units, target)) - 1
    while upper_bound(most + 1, units, 1 - CONFIDENCE) <= target:
        most += 1
    return max(most, 0)


def _of_specimens(scores: NDArray[np.float64], groups: ArrayLike | None) -> NDArray[np.float64]:
    """The lowest score of each specimen's photos."""
    if groups is None:
        return scores
    names = np.asarray(groups)
    if len(names) != len(scores):
        raise ValueError(f"{len(scores)} scores but {len(names)} groups")
    specimens, index = np.unique(names, return_inverse=True)
    lowest = np.full(len(specimens), np.inf)
    np.minimum.at(lowest, index, scores)
    return lowest
