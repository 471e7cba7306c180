"""Windows tile time from the epoch; only closed ones are judged."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mycovigil.references.window import Nights, Window

DAY = timedelta(days=1)
moments = st.datetimes(
    datetime(1971, 1, 1),  # noqa: DTZ001
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
periods = st.floats(1.0, 1e6).map(lambda seconds: timedelta(seconds=seconds))


@given(moments, periods)
def test_the_window_of_a_moment_holds_it(moment: datetime, period: timedelta) -> None:
    window = Nights(period).containing(moment)
    assert window.start <= moment < window.end
    assert window.end - window.start == period


@given(st.integers(0, 10_000), periods)
def test_neighbouring_nights_touch(index: int, period: timedelta) -> None:
    nights = Nights(period)
    assert nights.night(index).end == nights.night(index + 1).start


def test_a_night_is_closed_after_its_grace() -> None:
    start = datetime(2026, 9, 1, tzinfo=UTC)
    grace = timedelta(minutes=15)
    border = start + 2 * DAY + grace
    before = list(Nights(DAY).closed(start, border - timedelta(seconds=1), grace=grace))
    after = list(Nights(DAY).closed(start, border, grace=grace))
    assert [w.start.day for w in before] == [1]
    assert [w.start.day for w in after] == [1, 2]


def test_long_window_ends_with_its_last_night() -> None:
    last = Nights(DAY).containing(datetime(2026, 9, 7, 5, tzinfo=UTC))
    week = Nights(DAY).ending_with(last, 7)
    assert (week.start.day, week.end, week.periods) == (1, last.end, 7)


def test_a_day_ends_at_midnight_of_the_zone_also_where_clocks_change() -> None:
    berlin = Nights(DAY, ZoneInfo("Europe/Berlin"))
    long = berlin.containing(datetime(2026, 10, 25, 12, tzinfo=UTC))
    assert long.span == (
        datetime(2026, 10, 24, 22, tzinfo=UTC),
        datetime(2026, 10, 25, 23, tzinfo=UTC),
    )
    just_before = datetime(2026, 10, 24, 21, 59, 59, tzinfo=UTC)
    assert berlin.containing(just_before).end == long.start
    week = berlin.ending_with(long, 7)
    assert week.start == datetime(2026, 10, 18, 22, tzinfo=UTC)
    assert berlin.asked(*week.span).periods == 7
    assert [part.end - part.start for part in berlin.split(week)] == [DAY] * 6 + [25 * DAY / 24]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Santiago", "Asia/Kathmandu"])
@given(moment=moments)
def test_nights_of_every_zone_tile_time(zone: str, moment: datetime) -> None:
    nights = Nights(DAY, ZoneInfo(zone))
    window = nights.containing(moment)
    assert window.start <= moment < window.end
    assert nights.night(nights.index_of(moment) + 1).start == window.end


def test_parts_of_nights_are_no_nights() -> None:
    start = datetime(2026, 9, 1, 12, tzinfo=UTC)
    window = Nights(DAY).asked(start, start + 2 * DAY)
    assert window.periods == 0
    assert [part.start.hour for part in Nights(DAY).split(window)] == [12, 0, 0]


@pytest.mark.parametrize("shift", [timedelta(0), -DAY])
def test_reversed_windows_are_refused(shift: timedelta) -> None:
    start = datetime(2026, 9, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="ends"):
        Window(start, start + shift)


def test_naive_times_are_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Window(datetime(2026, 9, 1), datetime(2026, 9, 2))  # noqa: DTZ001
    with pytest.raises(ValueError, match="time zone"):
        Window(datetime(2026, 9, 1), datetime(2026, 9, 2, tzinfo=UTC))  # noqa: DTZ001
