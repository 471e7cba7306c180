"""Evidence that a rate is above its bound, valid whenever one looks.

The capital of somebody who bets against "the rate is at most the bound": every outcome multiplies
it by 1 + stake x (outcome - bound), which gains nothing on average as long as the bound holds. By
Ville's inequality such capital ever reaches 1/alpha with a chance of at most alpha, however often
one looks and whatever makes one stop (Ville, 1939; Waudby-Smith and Ramdas, 2024, Estimating means
of bounded random variables by betting). Stakes are mixed over the rates above the bound (Robbins,
1970), and a product does not care about the order, so labels may come in any.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

RATES = 32
LARGEST = 1e300


def e_value_above(bound: float, outcomes: ArrayLike) -> float:
    """The e-value of ``outcomes`` against a mean of at most ``bound``; 1 where there are none.

    Args:
        bound: in (0, 1).
        outcomes: (n,) in [0, 1], each of mean at most the bound given those before it, if the
            hypothesis holds: drawn at random. Outcomes that were chosen by what they may show
            refute a bound that holds. Rows that depend on each other count once.
    """
    seen = e_values_above(bound, outcomes)
    return float(seen[-1]) if len(seen) else 1.0


def e_values_above(bound: float, outcomes: ArrayLike) -> NDArray[np.float64]:
    """(n,): the e-value after each of the outcomes, as :func:`e_value_above` gives it."""
    from scipy.special import logsumexp

    seen = np.asarray(outcomes, dtype=np.float64).ravel()
    if not 0 < bound < 1 or (seen.size and not (seen.min() >= 0 and seen.max() <= 1)):
        raise ValueError("the bound must lie between 0 and 1, outcomes from 0 to 1")
    rates = bound ** (1 - (np.arange(RATES) + 0.5) / RATES)
    stakes = (rates - bound) / (bound * (1 - bound))
    capital = np.log1p(stakes[:, None] * (seen - bound)).cumsum(axis=1)
    mixed = logsumexp(capital, axis=0) - np.log(RATES)
    return np.asarray(np.exp(np.minimum(mixed, np.log(LARGEST))))
