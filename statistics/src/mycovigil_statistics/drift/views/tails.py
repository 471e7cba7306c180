"""Tail probabilities of a permutation distribution beyond its last order statistic."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc

LEAST_SKEW, MOST_SKEW = 0.05, 4.0
LEAST_P = 1e-15


def pearson3_tail(
    standardised: NDArray[np.float64], skew: NDArray[np.float64] | float
) -> NDArray[np.float64]:
    """P(Z >= z) for the Pearson type III law of mean 0, variance 1 and positive `skew`.

    A gamma law of shape 4 / skew², shifted and scaled; the usual approximation to permutation
    distributions of quadratic statistics (Mielke and Berry, 2007, Permutation Methods).
    """
    shape = 4 / np.square(skew)
    argument = shape + standardised * np.sqrt(shape)
    return np.asarray(gammaincc(shape, np.maximum(argument, 0)))


def column_tails(statistics: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tail p of each entry of (permutations, views) within the law fitted to its column.

    A column without spread has p = 1 throughout.
    """
    deviations = statistics - statistics.mean(axis=0)
    spread = np.sqrt(np.square(deviations).mean(axis=0))
    flat = spread <= 1e-9 * (np.abs(statistics).max(axis=0) + 1e-300)
    standardised = deviations / np.where(flat, 1, spread)
    skew = np.clip((standardised**3).mean(axis=0), LEAST_SKEW, MOST_SKEW)
    tails = np.clip(pearson3_tail(standardised, skew), LEAST_P, 1)
    return np.where(flat, 1.0, tails)
