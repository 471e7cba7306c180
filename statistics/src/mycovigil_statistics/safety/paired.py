"""Paired comparison of two models on the same photos: McNemar, and exact non-inferiority.

``b`` specimens are missed by the candidate only, ``c`` by production only, of ``n``. The
difference of miss rates is p10 - p01 = E[b - c] / n.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Up to here the bound is exact (unconditional); beyond it is Tango's score bound.
EXACT_UNITS = 200
NUISANCE_STEPS = 64


class PairedComparison(StrEnum):
    """``too_few``: not even a flawless candidate could have passed with so few specimens."""

    NON_INFERIOR = "non_inferior"
    NOT_SHOWN = "not_shown"
    TOO_FEW = "too_few"


@dataclass(frozen=True, slots=True)
class NonInferiority:
    """``upper`` is the one-sided bound of candidate minus production; ``needed`` the fewest
    specimens with which a flawless candidate could pass. ``p_value`` belongs to the null
    "the candidate adds ``margin`` or more"."""

    outcome: PairedComparison
    candidate_only: int
    production_only: int
    units: int
    photos: int
    difference: float
    upper: float
    p_value: float
    margin: float
    alpha: float
    needed: int
    method: str

    @property
    def lacking(self) -> int:
        """How many more specimens a flawless candidate needs at least."""
        return max(self.needed - self.units, 0)


def attempt_alpha(spent: float, *, yearly: float = 0.05, attempts: int = 12) -> float:
    """The level of the next comparison of a year: an equal share, or half of what is left if that
    is less. The levels of a year never add up to more than ``yearly``, however many candidates are
    tried; the later ones need more specimens.

    Args:
        spent: the sum of the levels of the year's comparisons so far.
    """
    return min(yearly / attempts, max(yearly - spent, 0.0) / 2)


def mcnemar_exact(b: int, c: int, *, two_sided: bool = True) -> float:
    """Exact p-value of equal miss rates given b + c discordant pairs; 1 where there are none.

    One-sided it is against "the candidate misses more".
    """
    from scipy.stats import binomtest

    if b + c == 0:
        return 1.0
    alternative = "two-sided" if two_sided else "greater"
    return float(binomtest(b, b + c, 0.5, alternative=alternative).pvalue)


def non_inferiority(
    candidate_missed: ArrayLike,
    production_missed: ArrayLike,
    *,
    margin: float,
    alpha: float = 0.05,
    groups: ArrayLike | None = None,
) -> NonInferiority:
    """Is the candidate's miss rate shown to exceed production's by less than ``margin``?

    Args:
        candidate_missed, production_missed: (n,) booleans on the same photos.
        groups: (n,) specimen of each photo. Photos of a specimen are no independent evidence, so
            specimens are compared, one being missed if any of its photos is.
    """
    if not 0 < margin < 1:
        raise ValueError(f"a margin lies between 0 and 1, not {margin}")
    ours, theirs = _units(candidate_missed, production_missed, groups)
    n, b, c = len(ours), int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    needed = units_needed(margin, alpha)
    p_value = p_at_margin(b, c, n, margin) if n else 1.0
    return NonInferiority(
        outcome=_outcome(n, needed, p_value, alpha),
        candidate_only=b,
        production_only=c,
        units=n,
        photos=int(np.size(candidate_missed)),
        difference=(b - c) / n if n else float("nan"),
        upper=upper_bound(b, c, n, alpha) if n else 1.0,
        p_value=p_value,
        margin=margin,
        alpha=alpha,
        needed=needed,
        method=("exact unconditional" if n <= EXACT_UNITS else "Tango score")
        + (" over specimens" if groups is not None else " over photos"),
    )


def within_units(
    candidate_missed: ArrayLike,
    production_missed: ArrayLike,
    groups: ArrayLike,
    *,
    alpha: float = 0.05,
) -> tuple[float, float]:
    """Mean over specimens of the difference in the share of missed photos, and its one-sided upper
    bound (Student's t over specimens): what `non_inferiority` cannot see, since there a specimen
    of which one photo is missed already counts as missed. NaN and 1 below two specimens.
    """
    from scipy.stats import t

    missed = np.asarray(candidate_missed, float) - np.asarray(production_missed, float)
    _, index = np.unique(np.asarray(groups), return_inverse=True)
    count = int(index.max()) + 1 if len(index) else 0
    if count < 2:
        return float("nan"), 1.0
    shares = np.bincount(index, missed) / np.bincount(index)
    mean, error = float(shares.mean()), float(shares.std(ddof=1) / math.sqrt(count))
    return mean, mean + float(t.ppf(1 - alpha, count - 1)) * error


def units_needed(margin: float, alpha: float = 0.05) -> int:
    """Fewest specimens with which zero candidate-only misses passes: (1 - margin)**n <= alpha."""
    if not 0 < alpha < 1:
        raise ValueError(f"a level lies between 0 and 1, not {alpha}")
    return math.ceil(math.log(alpha) / math.log1p(-margin))


def p_at_margin(b: int, c: int, n: int, margin: float) -> float:
    """P-value of H0: p10 - p01 >= margin.

    Up to :data:`EXACT_UNITS` the greatest probability, over the unknown p01, of a table at least
    as favourable by Tango's statistic (Hsueh, Liu and Chen 2001); then its normal tail.
    """
    if n > EXACT_UNITS:
        from scipy.stats import norm

        return float(norm.cdf(_tango(np.array([b]), np.array([c]), n, margin)[0]))
    ours, theirs = _tables(n)
    favourable = (
        _tango(ours, theirs, n, margin) <= _tango(np.array([b]), np.array([c]), n, margin)[0] + 1e-9
    )
    nuisance = np.linspace(0.0, (1.0 - margin) / 2, NUISANCE_STEPS) ** 2 * 2 / (1.0 - margin)
    logs = _log_probabilities(ours[favourable], theirs[favourable], n, margin, nuisance)
    return float(min(np.exp(logs).sum(axis=1).max(), 1.0))


def upper_bound(b: int, c: int, n: int, alpha: float = 0.05) -> float:
    """Least margin that is refused at ``alpha``: the one-sided upper bound of p10 - p01."""
    low, high = max((b - c) / n, 0.0), 1.0 - 1e-9
    for _ in range(20):
        middle = (low + high) / 2
        if p_at_margin(b, c, n, middle) <= alpha:
            high = middle
        else:
            low = middle
    return high


def _units(
    ours: ArrayLike, theirs: ArrayLike, groups: ArrayLike | None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    first, second = np.asarray(ours, dtype=bool), np.asarray(theirs, dtype=bool)
    if first.shape != second.shape:
        raise ValueError(f"not the same photos: {first.shape} and {second.shape}")
    if groups is None:
        return first, second
    names, index = np.unique(np.asarray(groups), return_inverse=True)
    missed = np.zeros((2, len(names)), dtype=bool)
    np.logical_or.at(missed[0], index, first)
    np.logical_or.at(missed[1], index, second)
    return missed[0], missed[1]


def _outcome(n: int, needed: int, p_value: float, alpha: float) -> PairedComparison:
    if n < needed:
        return PairedComparison.TOO_FEW
    return PairedComparison.NON_INFERIOR if p_value <= alpha else PairedComparison.NOT_SHOWN


def _tables(n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    b, c = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    possible = b + c <= n
    return b[possible], c[possible]


def _tango(
    b: NDArray[np.int64], c: NDArray[np.int64], n: int, margin: float
) -> NDArray[np.float64]:
    """Tango's (1998) score statistic: low where the candidate looks good."""
    linear = -b - c + (2 * n - b + c) * margin
    constant = -c * margin * (1 - margin)
    root = np.sqrt(np.maximum(linear**2 - 8 * n * constant, 0.0))
    nuisance = np.clip((root - linear) / (4 * n), 0.0, (1 - margin) / 2)
    variance = n * (2 * nuisance + margin * (1 - margin))
    return np.asarray((b - c - n * margin) / np.sqrt(np.maximum(variance, 1e-12)))


def _log_probabilities(
    b: NDArray[np.int64],
    c: NDArray[np.int64],
    n: int,
    margin: float,
    nuisance: NDArray[np.float64],
) -> NDArray[np.float64]:
    """(steps, tables) log of the trinomial probability with p01 = nuisance, p10 = p01 + margin."""
    from scipy.special import gammaln, xlogy

    rest = n - b - c
    ways = gammaln(n + 1) - gammaln(b + 1) - gammaln(c + 1) - gammaln(rest + 1)
    p01 = nuisance[:, None]
    p10 = p01 + margin
    same = np.clip(1.0 - p01 - p10, 0.0, 1.0)
    return np.asarray(ways + xlogy(b, p10) + xlogy(c, p01) + xlogy(rest, same))
