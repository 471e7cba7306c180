"""When an incident ends by calm: its cause ended, and the nights since show it."""

import numpy as np
import pytest
from scipy.stats import binom

from mycovigil_statistics.drift import DaySketch, closed_by_calm, judge_days, recovery
from mycovigil_statistics.drift.days.sketch import Moments
from mycovigil_statistics.errors import DimensionMismatch, InsufficientRows

COLUMNS, UNITS, RATIO = 24, 200, 0.004
LEVEL = 0.00067
RARE = 1e-3


def night(generator: np.random.Generator, shift: float = 0.0, units: int = UNITS) -> DaySketch:
    """One view of a night whose day effect has variance `RATIO`; the shift varies by the night."""
    noise = generator.standard_normal(COLUMNS) * np.sqrt(1 / units + RATIO)
    moved = shift * generator.normal(1, 0.2) / np.sqrt(COLUMNS)
    return DaySketch(units, {"location": Moments(units, noise + moved, np.ones(COLUMNS), 1)})


def alarmed(nights: list[DaySketch], days: list[DaySketch]) -> bool:
    return (judge_days(nights, baseline=days).p_days or 1) <= LEVEL


def first_alarm(
    generator: np.random.Generator, shift: float, baseline: list[DaySketch]
) -> DaySketch:
    nights = (night(generator, shift) for _ in range(1_000))
    return next(one for one in nights if alarmed([one], baseline))


@pytest.mark.parametrize("days", [7, 28])
def test_an_incident_whose_cause_ended_closes_within_a_week(days: int) -> None:
    closed, runs = 0, 25
    for seed in range(runs):
        g = np.random.default_rng([1, days, seed])
        baseline = [night(g) for _ in range(days)]
        drifted = first_alarm(g, 1.5, baseline)
        since = [night(g) for _ in range(7)]
        closed += any(
            closed_by_calm([drifted], since[:count], baseline, ["location"])
            for count in range(1, 8)
        )
    assert closed >= binom.ppf(RARE, runs, 0.8)


def test_a_weak_shift_that_stays_does_not_close_within_a_month() -> None:
    closed, runs, weak = 0, 16, 0.65
    alarms = nights = 0
    for seed in range(runs):
        g = np.random.default_rng([2, seed])
        baseline = [night(g) for _ in range(28)]
        drifted = first_alarm(g, weak, baseline)
        since: list[DaySketch] = []
        ended = False
        for _ in range(30):
            since.append(night(g, weak))
            nights += 1
            if alarmed(since[-1:], baseline):
                drifted, since, alarms = since[-1], [], alarms + 1
            elif not ended:
                ended = closed_by_calm([drifted], since, baseline, ["location"])
        closed += ended
    assert 0.2 <= alarms / nights <= 0.4
    assert closed <= binom.ppf(1 - RARE, runs, 0.05)


def test_shifts_are_measured_in_what_days_vary_by_without_noise() -> None:
    g = np.random.default_rng(3)
    baseline = [night(g) for _ in range(28)]
    strong, calm = [night(g, 4.0)], [night(g) for _ in range(5)]
    found = recovery(strong, calm, baseline, ["location"]).views[0]
    known = 4.0 / np.sqrt(COLUMNS) / np.sqrt(1 / UNITS + RATIO)
    assert found.lower < found.alarming
    assert found.alarming == pytest.approx(known, rel=0.5)
    assert found.since <= found.upper < 0.5 * found.lower


def test_what_is_missing_or_thin_does_not_close() -> None:
    g = np.random.default_rng(4)
    baseline = [night(g) for _ in range(10)]
    strong, calm = [night(g, 4.0)], [night(g) for _ in range(5)]
    assert recovery(strong, calm, baseline, ["location"]).closed
    assert not recovery(strong, calm[:2], baseline, ["location"]).closed
    thin = [night(g, units=20) for _ in range(5)]
    assert not recovery(strong, thin, baseline, ["location"]).closed
    lost = recovery(strong, calm, baseline, ["location", "novelty"])
    assert (lost.closed, lost.missing) == (False, ("novelty",))


def test_bad_input_gets_a_clear_error() -> None:
    g = np.random.default_rng(5)
    days = [night(g) for _ in range(4)]
    with pytest.raises(InsufficientRows, match="nights since"):
        recovery(days[:1], [], days, ["location"])
    with pytest.raises(InsufficientRows, match="2 days, 3 are needed"):
        recovery(days[:1], days[1:2], days[2:], ["location"])
    view = days[0].views["location"]
    other = DaySketch(UNITS, {"location": Moments(UNITS, view.mean, view.variance, 2)})
    with pytest.raises(DimensionMismatch, match="two geometries"):
        recovery([other], days[:1], days, ["location"])
