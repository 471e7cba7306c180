"""Exact bounds on a proportion (Clopper and Pearson 1934)."""

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
