"""Bounds on a proportion: exact ones (Clopper and Pearson 1934), and the score interval."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """``estimate`` is NaN where nothing was observed; the interval is then [0, 1]."""

    estimate: float
    low: float
    high: float
    successes: int
    trials: int


def interval(successes: int, trials: int, level: float = 0.95) -> Interval:
    """Two-sided Clopper-Pearson interval; conservative at every n."""
    tail = (1 - level) / 2
    estimate = successes / trials if trials else float("nan")
    low, high = lower_bound(successes, trials, tail), upper_bound(successes, trials, tail)
    return Interval(estimate, low, high, successes, trials)


def score_interval(successes: int, trials: int, level: float = 0.95) -> Interval:
    """Two-sided score interval (Wilson 1927): near the level on average, narrower than the exact.

    Raises ValueError without a trial.
    """
    from scipy.stats import binomtest

    if trials == 0:
        raise ValueError("no trials, no interval")
    found = binomtest(successes, trials).proportion_ci(level, method="wilson")
    return Interval(successes / trials, float(found.low), float(found.high), successes, trials)


def upper_bound(successes: int, trials: int, alpha: float = 0.05) -> float:
    """The proportion exceeds this with probability at most ``alpha``; 1 - alpha**(1/n) at 0."""
    from scipy.stats import beta

    _check(successes, trials)
    if successes >= trials:
        return 1.0
    return float(beta.ppf(1 - alpha, successes + 1, trials - successes))


def lower_bound(successes: int, trials: int, alpha: float = 0.05) -> float:
    """The proportion is below this with probability at most ``alpha``."""
    from scipy.stats import beta

    _check(successes, trials)
    if successes == 0:
        return 0.0
    return float(beta.ppf(alpha, successes, trials - successes + 1))


def _check(successes: int, trials: int) -> None:
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials")
