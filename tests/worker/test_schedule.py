"""Which windows are due: pure arithmetic on times."""

import datetime
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mycovigil.references.window import EPOCH
from mycovigil.settings import DriftSettings
from mycovigil_worker.nights.levels import MONTH, levels_of
from mycovigil_worker.nights.schedule import planned
from mycovigil_worker.nights.serving_periods import ServingPeriod

DAY = datetime.timedelta(days=1)
MONTH_START = EPOCH + 700 * MONTH * DAY
DRIFT = DriftSettings(grace_seconds=900)
NOW = MONTH_START + MONTH * DAY + datetime.timedelta(hours=1)


def tenure(start: int = 0, end: int | None = None) -> ServingPeriod:
    finish = None if end is None else MONTH_START + end * DAY
    return ServingPeriod(uuid.UUID(int=1), MONTH_START + start * DAY, finish)


def test_a_month_of_nights_and_longer_windows_spends_at_most_the_budget() -> None:
    due = list(planned(tenure(), MONTH_START, (), NOW, DRIFT))
    lengths = [item.window.periods for item in due]
    assert {n: lengths.count(n) for n in set(lengths)} == {1: 30, 7: 4, 15: 1, 30: 1}
    slices = sum(item.level for item in due if item.window.periods == 1)
    assert sum(item.level for item in due) + slices == pytest.approx(DRIFT.monthly_budget)


def test_a_window_is_due_after_its_grace_only() -> None:
    one = datetime.timedelta(seconds=1)
    border = MONTH_START + DAY + datetime.timedelta(seconds=900)
    assert list(planned(tenure(), MONTH_START, (), border - one, DRIFT)) == []
    assert len(list(planned(tenure(), MONTH_START, (), border, DRIFT))) == 1


def test_nights_of_others_are_not_a_models_business() -> None:
    due = list(planned(tenure(3, 5), MONTH_START, (), NOW, DRIFT))
    starts = [(item.window.start - MONTH_START).days for item in due]
    assert starts == [3, 4]


def test_a_long_window_needs_traffic_for_half_of_it() -> None:
    late = MONTH_START + 5 * DAY
    weeks = [
        (item.window.start - MONTH_START).days
        for item in planned(tenure(), late, (), NOW, DRIFT)
        if item.window.periods == 7
    ]
    assert weeks == [7, 14, 21]


@given(reported=st.sets(st.integers(0, 29)), first=st.integers(0, 29))
def test_what_is_due_is_in_order_and_what_is_reported_is_not(
    reported: set[int], first: int
) -> None:
    spans = {(MONTH_START + n * DAY, MONTH_START + (n + 1) * DAY) for n in reported}
    due = list(planned(tenure(), MONTH_START + first * DAY, spans, NOW, DRIFT))
    ends = [(item.window.end, item.window.periods) for item in due]
    assert ends == sorted(ends)
    nights = {(i.window.start - MONTH_START).days for i in due if i.window.periods == 1}
    assert nights == set(range(first, 30)) - reported


def test_a_week_without_nights_keeps_its_level() -> None:
    weekly = DriftSettings(windows=(7,))
    lengths = [length for index in range(MONTH) for length in levels_of(index, weekly)]
    assert lengths == [7] * 4
    assert levels_of(6, weekly)[7] == levels_of(6, DRIFT)[7]


def test_without_long_windows_nights_keep_their_level() -> None:
    short = DriftSettings(windows=(1,))
    for index in range(MONTH):
        assert levels_of(index, short) == {1: levels_of(index, DRIFT)[1]}
