"""Paired tests of two models: exact levels, and "too few" as an answer."""

import numpy as np
import pytest
from factories.counted import counted
from scipy.stats import binomtest, norm

from mycovigil_statistics.safety.paired import (
    EXACT_UNITS,
    PairedComparison,
    _log_probabilities,
    _tango,
    attempt_alpha,
    mcnemar_exact,
    non_inferiority,
    p_at_margin,
    units_needed,
    upper_bound,
)


def test_mcnemar_is_the_binomial_test_of_discordant_pairs() -> None:
    assert mcnemar_exact(0, 0) == 1.0
    assert mcnemar_exact(2, 9) == pytest.approx(binomtest(2, 11).pvalue)
    assert mcnemar_exact(9, 2, two_sided=False) == pytest.approx(0.0327, abs=1e-4)


@pytest.mark.parametrize(("margin", "needed"), [(0.05, 59), (0.10, 29), (0.02, 149)])
def test_the_fewest_specimens_of_a_flawless_candidate(margin: float, needed: int) -> None:
    assert units_needed(margin) == needed
    assert p_at_margin(0, 0, needed, margin) <= 0.05
    assert p_at_margin(0, 0, needed - 1, margin) > 0.05


def test_the_fewest_specimens_of_the_gate() -> None:
    assert (units_needed(0.03, 0.05 / 12), units_needed(0.02, 0.05 / 12)) == (180, 272)
    result = non_inferiority(np.zeros(120, bool), np.zeros(120, bool), margin=0.03, alpha=0.05 / 12)
    assert (result.outcome, result.lacking) == (PairedComparison.TOO_FEW, 60)
    with pytest.raises(ValueError, match="a level lies between 0 and 1"):
        units_needed(0.03, 0.0)


def test_the_attempts_of_a_year_share_its_level() -> None:
    """Eleven get a twelfth each; the rest of the year shares the last one, and never uses it up."""
    spent, levels = 0.0, []
    for _ in range(40):
        levels.append(attempt_alpha(spent))
        spent += levels[-1]
    assert levels[:11] == pytest.approx([0.05 / 12] * 11)
    assert levels[11:14] == pytest.approx([0.05 / 24, 0.05 / 48, 0.05 / 96])
    assert all(level > 0 for level in levels)
    assert 0.0499 < spent <= 0.05
    assert attempt_alpha(0.06) == 0.0, "a setting that was lowered"


@pytest.mark.parametrize("n", [201, 250, 300, 500, 1000])
@pytest.mark.parametrize("margin", [0.02, 0.03, 0.05])
def test_tangos_score_holds_the_gates_level_beyond_the_exact_table(n: int, margin: float) -> None:
    """Exact probability, at the margin, of the tables that pass, over the share that only
    production misses."""
    ours, theirs = (side.ravel() for side in np.meshgrid(np.arange(160), np.arange(201)))
    possible = ours + theirs <= n
    ours, theirs = ours[possible], theirs[possible]
    passing = norm.cdf(_tango(ours, theirs, n, margin)) <= 0.05 / 12
    shares = np.concatenate([[0.0], np.geomspace(1e-4, 0.1, 24)])
    chances = _log_probabilities(ours[passing], theirs[passing], n, margin, shares)
    assert np.exp(chances).sum(axis=1).max() <= 1.01 * 0.05 / 12


@counted("runs", 2_000, 20_000)
@pytest.mark.parametrize(("n", "p01"), [(60, 0.0), (60, 0.03), (60, 0.2), (120, 0.05)])
def test_a_candidate_at_the_margin_passes_at_most_one_time_in_twenty(
    n: int, p01: float, runs: int
) -> None:
    margin = 0.1
    rng = np.random.default_rng(n)
    drawn = rng.multinomial(n, [p01 + margin, p01, 1 - 2 * p01 - margin], size=runs)
    tables, counts = np.unique(drawn[:, :2], axis=0, return_counts=True)
    passed = sum(
        count
        for (b, c), count in zip(tables.tolist(), counts.tolist(), strict=True)
        if p_at_margin(b, c, n, margin) <= 0.05
    )
    assert passed / runs <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / runs)


def test_power_against_an_equal_candidate() -> None:
    """Equal models that disagree on 2% of 150 specimens: shown most of the time."""
    rng = np.random.default_rng(3)
    drawn = rng.multinomial(150, [0.01, 0.01, 0.98], size=300)
    tables, counts = np.unique(drawn[:, :2], axis=0, return_counts=True)
    shown = sum(
        count
        for (b, c), count in zip(tables.tolist(), counts.tolist(), strict=True)
        if p_at_margin(b, c, 150, 0.05) <= 0.05
    )
    assert shown / 300 >= 0.8


def test_the_bound_is_where_the_test_begins_to_refuse() -> None:
    bound = upper_bound(1, 2, 80)
    assert p_at_margin(1, 2, 80, bound + 1e-4) <= 0.05
    assert p_at_margin(1, 2, 80, bound - 1e-4) > 0.05
    assert upper_bound(0, 0, 60) == pytest.approx(1 - 0.05 ** (1 / 60), abs=1e-3)


def test_exact_and_tango_meet() -> None:
    exact = upper_bound(5, 5, EXACT_UNITS)
    tango = upper_bound(5, 5, EXACT_UNITS + 1)
    assert tango <= exact
    assert tango == pytest.approx(exact, abs=0.002)


def test_too_few_is_an_outcome_with_a_number() -> None:
    result = non_inferiority(np.zeros(20, bool), np.zeros(20, bool), margin=0.05)
    assert result.outcome is PairedComparison.TOO_FEW
    assert (result.units, result.needed) == (20, 59)
    assert result.upper > 0.05


def test_no_deadly_photo_at_all() -> None:
    result = non_inferiority([], [], margin=0.05)
    assert result.outcome is PairedComparison.TOO_FEW
    assert result.upper == 1.0


def test_outcomes_with_enough_specimens() -> None:
    production = np.zeros(100, dtype=bool)
    worse = production.copy()
    worse[:6] = True
    assert (
        non_inferiority(production, production, margin=0.05).outcome
        is PairedComparison.NON_INFERIOR
    )
    refused = non_inferiority(worse, production, margin=0.05)
    assert refused.outcome is PairedComparison.NOT_SHOWN
    assert refused.difference == pytest.approx(0.06)


def test_photos_of_a_specimen_are_one_piece_of_evidence() -> None:
    groups = np.repeat(np.arange(30), 10)
    flawless = np.zeros(300, dtype=bool)
    result = non_inferiority(flawless, flawless, margin=0.05, groups=groups)
    assert result.outcome is PairedComparison.TOO_FEW
    assert (result.units, result.photos) == (30, 300)
    assert result.method.endswith("over specimens")
    one_photo = flawless.copy()
    one_photo[3] = True
    assert non_inferiority(one_photo, flawless, margin=0.5, groups=groups).candidate_only == 1


def test_other_photos_are_refused() -> None:
    with pytest.raises(ValueError, match="not the same photos"):
        non_inferiority([True], [True, False], margin=0.05)
    with pytest.raises(ValueError, match="margin"):
        non_inferiority([True], [True], margin=0.0)
