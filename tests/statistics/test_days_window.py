"""Windows of several nights: calibrated by series of days that resemble their neighbours."""

import numpy as np
import pytest
from scipy.stats import binom, norm

from mycovigil_statistics.drift import DaySketch, judge_days
from mycovigil_statistics.drift.days.between import Baseline
from mycovigil_statistics.drift.days.prediction import view_baselines
from mycovigil_statistics.drift.days.sketch import Moments
from mycovigil_statistics.drift.days.window import (
    Neighbours,
    SimulatedNull,
    autocorrelations,
    may_page,
)
from mycovigil_statistics.sample import FloatArray

COLUMNS, UNITS, RATIO, DAYS = 20, 200, 0.01, 28
LEVEL, RARE = 0.01, 1e-3


def season(
    generator: np.random.Generator, nights: int, correlation: float, units: int = UNITS
) -> FloatArray:
    """(nights, columns) means of days in a row."""
    effects = generator.standard_normal((nights, COLUMNS))
    for night in range(1, nights):
        fresh = np.sqrt(1 - correlation**2) * effects[night]
        effects[night] = correlation * effects[night - 1] + fresh
    errors = generator.standard_normal((nights, COLUMNS)) / np.sqrt(units)
    return np.asarray(np.sqrt(RATIO) * effects + errors)


def sketches(means: FloatArray, units: int = UNITS) -> list[DaySketch]:
    return [
        DaySketch(units, {"location": Moments(units, mean, np.ones(COLUMNS), 1)}) for mean in means
    ]


def baseline_of(means: FloatArray) -> Baseline:
    return Baseline.of(sketches(means), "location")


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_calm_weeks_seldom_alarm_where_neighbours_resemble_each_other(correlation: float) -> None:
    alarms, runs = 0, 25
    for seed in range(runs):
        drawn = sketches(season(np.random.default_rng([1, seed]), DAYS + 7, correlation))
        alarms += judge_days(drawn[DAYS:], baseline=drawn[:DAYS], seed=seed).p_value <= LEVEL
    assert alarms <= binom.ppf(1 - RARE, runs, 3 * LEVEL)


def test_a_week_that_drifts_is_found() -> None:
    means = season(np.random.default_rng(2), DAYS + 7, 0.5)
    means[DAYS:] += 0.4
    drawn = sketches(means)
    assert judge_days(drawn[DAYS:], baseline=drawn[:DAYS]).p_value <= 0.001


def test_one_night_far_off_makes_no_strange_week() -> None:
    means = season(np.random.default_rng(7), DAYS + 7, 0.0)
    means[DAYS + 3] += 1.0
    drawn = sketches(means)
    assert judge_days(drawn[DAYS:], baseline=drawn[:DAYS]).p_value > LEVEL
    assert judge_days([drawn[DAYS + 3]], baseline=drawn[:DAYS]).p_value < LEVEL


def test_a_kind_of_photo_that_no_day_had_yet_is_not_known_to_be_missing() -> None:
    week = 7
    means = season(np.random.default_rng(8), week + 1, 0.0)
    # Three photos in a thousand; a unit's value is the indicator over its standard deviation.
    means[:, 0] = 0.0
    means[week, 0] = 1 / np.sqrt(0.003) / UNITS
    variance = np.ones(COLUMNS)
    variance[0] = 0.0
    drawn = [DaySketch(UNITS, {"density": Moments(UNITS, mean, variance, 1)}) for mean in means]
    assert judge_days(drawn[week:], baseline=drawn[:week]).p_value > LEVEL


def test_thin_nights_pooled_into_a_window_of_two_days() -> None:
    alarms, runs, thin = 0, 40, 20
    for seed in range(runs):
        g = np.random.default_rng([3, seed])
        days = sketches(season(g, 10, 0.0))
        first = sketches(season(g, 1, 0.0, thin), thin)
        second = sketches(season(g, 1, 0.0))
        alarms += judge_days([*first, *second], baseline=days, seed=seed).p_value <= LEVEL
    assert alarms <= binom.ppf(1 - RARE, runs, 3 * LEVEL)


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.6])
def test_the_autocorrelation_is_corrected_for_a_short_series(correlation: float) -> None:
    found = [
        Neighbours.of(baseline_of(season(np.random.default_rng([4, seed]), DAYS, correlation)))
        for seed in range(30)
    ]
    assert np.mean([one.correlation for one in found]) == pytest.approx(correlation, abs=0.07)


def test_days_that_resemble_their_neighbours_do_not_make_columns_fewer() -> None:
    found = [baseline_of(season(np.random.default_rng([9, s]), DAYS, 0.7)) for s in range(30)]
    plain = np.mean([1 / one.effective_columns() for one in found])
    corrected = np.mean([1 / one.effective_columns(0.7) for one in found])
    assert corrected == pytest.approx(1 / COLUMNS, rel=0.15)
    assert plain > 1.2 * corrected


def test_a_view_scatters_at_least_as_much_as_the_widest_one() -> None:
    generator = np.random.default_rng(10)
    sizes = np.exp(generator.standard_normal((DAYS, 1)))
    wide = np.sqrt(0.1) * sizes * generator.standard_normal((DAYS, COLUMNS))
    calm = season(generator, DAYS, 0.0)
    views = (("location", wide), ("density", calm))
    days = [
        DaySketch(UNITS, {n: Moments(UNITS, v[day], np.ones(COLUMNS), 1) for n, v in views})
        for day in range(DAYS)
    ]
    alone = view_baselines({"density": days})[0].night
    density, location = (v.night for v in view_baselines({"density": days, "location": days}))
    assert density.spread > 2 * alone.spread
    assert density.spread == pytest.approx(location.spread, rel=0.01)


def test_a_view_of_few_columns_takes_the_autocorrelation_of_all() -> None:
    wide = season(np.random.default_rng(5), DAYS, 0.6)
    narrow = season(np.random.default_rng(6), DAYS, 0.0)[:, :1]
    moments = [Moments(UNITS, mean, np.ones(1), 1) for mean in narrow]
    alone = Baseline.of([DaySketch(UNITS, {"novelty": one}) for one in moments], "novelty")
    drawn = autocorrelations([baseline_of(wide), alone])
    assert Neighbours.of(alone).correlation < drawn[1] < drawn[0] + 0.1


def test_a_window_may_page_where_four_of_it_fit_in_the_baseline_or_two_weeks() -> None:
    assert [may_page(nights, 28) for nights in (1, 2, 7, 15, 30)] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert [may_page(1, days) for days in (2, 3)] == [False, True]
    assert [may_page(7, days) for days in (13, 14)] == [False, True]
    assert [may_page(15, days) for days in (59, 60)] == [False, True]


def test_the_null_is_counted_where_it_can_be_and_continued_beyond() -> None:
    null = SimulatedNull(norm.ppf((np.arange(600) + 0.5) / 600))
    assert null.p_value(0.0) == pytest.approx(0.5, abs=0.01)
    assert null.p_value(4.0) < 1e-3
    assert null.p_value(5.0) < null.p_value(4.0)
    for level in (0.1, 1e-4):
        assert null.p_value(null.quantile(level)) == pytest.approx(level, rel=0.1)
