"""The stated error rate is kept, at every size, tail and dependence."""

import numpy as np
import pytest
from factories.counted import counted
from scipy.stats import binom

from mycovigil_statistics import fit, judge

LEVEL = 0.05


def most_alarms(nulls: int, level: float = LEVEL) -> int:
    """An exact test exceeds this many alarms with a chance of 1 in 10,000."""
    return int(binom.ppf(1 - 1e-4, nulls, level))


def least_alarms(nulls: int, level: float = LEVEL) -> int:
    return int(binom.ppf(1e-4, nulls, level))


def calm_p_value(seed: int, reference: int, night: int, dimension: int, *, heavy: bool) -> float:
    generator = np.random.default_rng(seed)
    rows = reference + night
    x = generator.standard_t(2.5, (rows, dimension)) if heavy else None
    if x is None:
        x = generator.standard_normal((rows, dimension))
    x = x * np.linspace(2, 0.2, dimension)
    p = np.exp(x[:, :3])
    p /= p.sum(axis=1, keepdims=True)
    z = x[:, -2:].copy()
    z[generator.random(z.shape) < 0.1] = np.nan
    s = np.abs(x[:, :1]) + generator.standard_normal((rows, 1))
    fitted = fit(x[:reference], p[:reference], z[:reference], novelty=s[:reference], seed=seed)
    tonight = x[reference:], p[reference:], z[reference:]
    return judge(fitted, *tonight, novelty=s[reference:], seed=seed).p_value


@counted("nulls", 30, 400)
@pytest.mark.parametrize(
    ("reference", "night", "heavy"), [(100, 30, False), (300, 150, True), (150, 400, False)]
)
def test_calm_nights_alarm_at_the_stated_rate(
    reference: int, night: int, heavy: bool, nulls: int
) -> None:
    alarms = sum(
        calm_p_value(seed, reference, night, 6, heavy=heavy) <= LEVEL for seed in range(nulls)
    )
    assert alarms <= most_alarms(nulls)


@counted("nulls", 80, 1_000)
def test_the_rate_is_neither_exceeded_nor_wasted_over_all_sizes(nulls: int) -> None:
    p_values = np.array(
        [
            calm_p_value(10_000 + s, 100 + s % 60, 30 + s % 50, 4, heavy=s % 2 == 0)
            for s in range(nulls)
        ]
    )
    for level in (0.05, 0.2, 0.5):
        alarms = int((p_values <= level).sum())
        assert least_alarms(nulls, level) <= alarms <= most_alarms(nulls, level)


def bursts(generator: np.random.Generator, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Five photos each of so many specimens: rows of one specimen are nearly equal."""
    specimens = generator.standard_normal((groups, 8))
    keys = np.repeat(np.arange(groups), 5)
    return specimens[keys] + 0.2 * generator.standard_normal((len(keys), 8)), keys


@counted("nulls", 30, 400)
def test_bursts_are_calm_when_groups_are_permuted_and_alarming_when_rows_are(nulls: int) -> None:
    by_group, by_row = 0, 0
    for seed in range(nulls):
        generator = np.random.default_rng(seed)
        (x, keys), (y, tonight) = bursts(generator, 80), bursts(generator, 30)
        grouped = fit(x, groups=keys, seed=seed)
        by_group += judge(grouped, y, groups=tonight, seed=seed).p_value <= LEVEL
        if seed < 10:
            by_row += judge(fit(x, seed=seed), y, seed=seed).p_value <= LEVEL
    assert by_group <= most_alarms(nulls)
    assert by_row >= 8
