"""Paired tests of two models: exact levels, and "too few" as an answer."""

import numpy as np
import pytest
from factories.counted import counted
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest, multinomial, norm

from mycovigil_statistics.safety.paired import (
    EXACT_UNITS,
    NonInferiority,
    PairedComparison,
    _log_probabilities,
    _tango,
    attempt_alpha,
    mcnemar_exact,
    non_inferiority,
    p_at_margin,
    units_needed,
    upper_bound,
    within_units,
)


def test_mcnemar_is_the_binomial_test_of_discordant_pairs() -> None:
    assert mcnemar_exact(0, 0) == 1.0
    assert mcnemar_exact(2, 9) == pytest.approx(binomtest(2, 11).pvalue)
    assert mcnemar_exact(9, 2, two_sided=False) == pytest.approx(0.0327, abs=1e-4)


def test_mcnemar_of_few_or_balanced_pairs() -> None:
    assert mcnemar_exact(0, 1) == 1.0
    assert mcnemar_exact(1, 0, two_sided=False) == 0.5
    assert mcnemar_exact(3, 3, two_sided=False) == pytest.approx(42 / 64)
    assert mcnemar_exact(0, 0, two_sided=False) == 1.0


def score(b: int, c: int, n: int, margin: float) -> float:
    """Tango's statistic, its nuisance found by maximising the likelihood numerically."""

    def unlikely(p01: float) -> float:
        chances = np.array([p01 + margin, p01, 1 - 2 * p01 - margin])
        return -float(np.array([b, c, n - b - c]) @ np.log(np.maximum(chances, 1e-300)))

    bounds = (1e-12, (1 - margin) / 2 - 1e-12)
    p01 = minimize_scalar(unlikely, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
    return (b - c - n * margin) / float(np.sqrt(n * (2 * p01 + margin * (1 - margin))))


@pytest.mark.parametrize("margin", [0.1, 0.3, 0.6])
def test_the_exact_p_value_is_that_of_its_definition(margin: float) -> None:
    """Every table of seven specimens, over a fine grid of the share that only production misses."""
    n = 7
    tables = [(b, c) for b in range(n + 1) for c in range(n + 1 - b)]
    scores = {table: score(*table, n, margin) for table in tables}
    shares = np.linspace(0, (1 - margin) / 2, 1_001)
    rows = np.stack([shares + margin, shares, 1 - 2 * shares - margin], axis=1).clip(0)
    rows /= rows.sum(axis=1, keepdims=True)
    chances = {(b, c): multinomial.pmf([b, c, n - b - c], n, rows) for b, c in tables}
    for table in tables:
        favourable = [other for other in tables if scores[other] <= scores[table] + 1e-5]
        worst = float(np.sum([chances[other] for other in favourable], axis=0).max())
        found = p_at_margin(*table, n, margin)
        assert found == pytest.approx(worst, abs=0.002), table
        assert found <= worst + 1e-6


@pytest.mark.parametrize(
    ("b", "c", "n", "margin", "p"),
    [
        (1, 0, 40, 0.10, 0.0804736960),
        (2, 3, 60, 0.10, 0.0088105183),
        (5, 1, 50, 0.20, 0.0314055531),
        (3, 3, 200, 0.05, 0.0028813843),
        (3, 3, 201, 0.05, 0.0025191491),
        (10, 2, 300, 0.05, 0.0449888421),
    ],
)
def test_p_values_as_they_were(b: int, c: int, n: int, margin: float, p: float) -> None:
    assert p_at_margin(b, c, n, margin) == pytest.approx(p, rel=1e-6)


@pytest.mark.parametrize(("margin", "needed"), [(0.05, 59), (0.10, 29), (0.02, 149)])
def test_the_fewest_specimens_of_a_flawless_candidate(margin: float, needed: int) -> None:
    assert units_needed(margin) == needed
    assert p_at_margin(0, 0, needed, margin) <= 0.05
    assert p_at_margin(0, 0, needed - 1, margin) > 0.05


def test_the_fewest_specimens_of_the_gate() -> None:
    assert (units_needed(0.03, 0.05 / 12), units_needed(0.02, 0.05 / 12)) == (180, 272)
    result = non_inferiority(np.zeros(120, bool), np.zeros(120, bool), margin=0.03, alpha=0.05 / 12)
    assert (result.outcome, result.lacking) == (PairedComparison.TOO_FEW, 60)
    for level in (0.0, 1.0, 1.5):
        with pytest.raises(ValueError, match="a level lies between 0 and 1"):
            units_needed(0.03, level)


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
    for b, c in ((1, 2), (6, 1)):
        bound = upper_bound(b, c, 80)
        assert p_at_margin(b, c, 80, bound + 1e-4) <= 0.05
        assert p_at_margin(b, c, 80, bound - 1e-4) > 0.05
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


def test_every_figure_of_a_comparison() -> None:
    candidate, production = np.zeros(60, bool), np.zeros(60, bool)
    candidate[[0, 1, 2, 3]] = production[[3, 4, 5]] = True  # both miss the fourth
    assert non_inferiority(candidate, production, margin=0.1) == NonInferiority(
        outcome=PairedComparison.NON_INFERIOR,
        candidate_only=3,
        production_only=2,
        units=60,
        photos=60,
        difference=1 / 60,
        upper=upper_bound(3, 2, 60),
        p_value=p_at_margin(3, 2, 60, 0.1),
        margin=0.1,
        alpha=0.05,
        needed=29,
        method="exact unconditional over photos",
    )
    strict = non_inferiority(candidate, production, margin=0.1, alpha=0.001)
    assert strict.outcome is PairedComparison.TOO_FEW
    assert (strict.alpha, strict.needed, strict.lacking) == (0.001, 66, 6)
    assert strict.upper == upper_bound(3, 2, 60, 0.001)
    enough = non_inferiority(np.zeros(59, bool), np.zeros(59, bool), margin=0.05)
    assert (enough.outcome, enough.lacking) == (PairedComparison.NON_INFERIOR, 0)
    many = np.zeros(EXACT_UNITS + 1, bool)
    assert non_inferiority(many, many, margin=0.1).method == "Tango score over photos"
    assert non_inferiority(many[1:], many[1:], margin=0.1).method.startswith("exact")
    nothing = non_inferiority([], [], margin=0.1)
    assert (nothing.p_value, nothing.units, nothing.photos) == (1.0, 0, 0)
    assert np.isnan(nothing.difference)


def test_a_specimen_is_missed_by_whichever_model_misses_one_of_its_photos() -> None:
    groups = ["a", "a", "b", "b", "c", "c", "d", "e"]
    candidate = [True, False, False, True, False, False, False, False]
    production = [False, True, False, False, True, True, False, True]
    found = non_inferiority(candidate, production, margin=0.5, groups=groups)
    assert (found.candidate_only, found.production_only) == (1, 2)  # b; c and e; both miss a
    assert (found.units, found.photos, found.difference) == (5, 8, -0.2)
    assert found.method == "exact unconditional over specimens"


def test_shares_of_missed_photos_within_specimens() -> None:
    """By hand: differences of 1/2, -1, 1/3 and 0, and Student's t of three degrees of freedom."""
    groups = ["a", "a", "b", "c", "c", "c", "d"]
    candidate = [True, False, False, True, True, False, False]
    production = [False, False, True, True, False, False, False]
    shares = np.array([1 / 2, -1, 1 / 3, 0])
    error = shares.std(ddof=1) / 2
    mean, upper = within_units(candidate, production, groups)
    assert mean == pytest.approx(-1 / 24)
    assert upper == pytest.approx(mean + 2.3533634348 * error)
    _, strict = within_units(candidate, production, groups, alpha=0.01)
    assert strict == pytest.approx(mean + 4.5407028586 * error)
    mean, upper = within_units([True, False], [False, False], [1, 2])
    assert mean == 0.5
    assert upper == pytest.approx(0.5 + 6.3137515147 * 0.5)
    for few in ([], ["a"], ["a", "a"]):
        mean, upper = within_units([True] * len(few), [False] * len(few), few)
        assert np.isnan(mean)
        assert upper == 1.0


def test_other_photos_are_refused() -> None:
    with pytest.raises(ValueError, match="not the same photos"):
        non_inferiority([True], [True, False], margin=0.05)
    for margin in (0.0, 1.0, -0.1, 1.1):
        with pytest.raises(ValueError, match=f"^a margin lies between 0 and 1, not {margin}$"):
            non_inferiority([True], [True], margin=margin)
