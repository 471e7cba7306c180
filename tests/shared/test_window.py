"""Windows tile time from the epoch; only closed ones are judged."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mycovigil.references.window import Window, closed, containing, ending_with, night

DAY = timedelta(days=1)
moments = st.datetimes(
    datetime(1971, 1, 1),  # noqa: DTZ001
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
periods = st.floats(1.0, 1e6).map(lambda seconds: timedelta(seconds=seconds))


@given(moments, periods)
def test_the_window_of_a_moment_holds_it(moment: datetime, period: timedelta) -> None:
    window = containing(moment, period)
    assert window.start <= moment < window.end
    assert window.end - window.start == period


@given(st.integers(0, 10_000), periods)
def test_neighbouring_nights_touch(index: int, period: timedelta) -> None:
    assert night(index, period).end == night(index + 1, period).start


def test_a_night_is_closed_after_its_grace() -> None:
    start = datetime(2026, 9, 1, tzinfo=UTC)
    grace = timedelta(minutes=15)
    before = list(closed(start, start + 2 * DAY + grace - timedelta(seconds=1), DAY, grace=grace))
    after = list(closed(start, start + 2 * DAY + grace, DAY, grace=grace))
    assert [w.start.day for w in before] == [1]
    assert [w.start.day for w in after] == [1, 2]


def test_long_window_ends_with_its_last_night() -> None:
    last = containing(datetime(2026, 9, 7, 5, tzinfo=UTC), DAY)
    week = ending_with(last, 7, DAY)
    assert (week.start.day, week.end, week.periods) == (1, last.end, 7)


@pytest.mark.parametrize("shift", [timedelta(0), -DAY])
def test_reversed_windows_are_refused(shift: timedelta) -> None:
    start = datetime(2026, 9, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="ends"):
        Window(start, start + shift)


def test_naive_times_are_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Window(datetime(2026, 9, 1), datetime(2026, 9, 2))  # noqa: DTZ001
