"""Geometry of the pictures, and numbers as people read them."""

import datetime

import pytest
from factories.report import FIRST_NIGHT, NIGHT

from mycovigil.db.report import DriftReport
from mycovigil_drift.dashboard import formats
from mycovigil_drift.dashboard.charts import bars, sparkline, timeline
from mycovigil_drift.dashboard.charts.scale import SurpriseScale, TimeScale, decades_of
from mycovigil_drift.dashboard.charts.timeline import WIDE, Annotation

NOON = FIRST_NIGHT + NIGHT / 2


def _nights(*p_values: float | None) -> list[DriftReport]:
    return [
        DriftReport(
            id=number,
            verdict="failed" if p_value is None else "calm",
            p_value=p_value,
            level=0.001,
            periods=1,
            rows=100,
            window_start=FIRST_NIGHT + number * NIGHT,
            window_end=FIRST_NIGHT + (number + 1) * NIGHT,
        )
        for number, p_value in enumerate(p_values)
    ]


def test_surprise_rises_and_stays_in_the_picture() -> None:
    height = SurpriseScale(bottom=200, top=20, decades=4)
    assert height(1.0) == 200
    assert height(0.01) == 110
    assert height(1e-4) == height(0.0) == 20
    assert [label for _, label in height.ticks()] == ["1", "0.1", "0.01", "0.001", "0.0001"]


@pytest.mark.parametrize(("smallest", "decades"), [(0.5, 4), (1e-5, 5), (1e-9, 6), (0.0, 6)])
def test_decades_hold_the_smallest_p(smallest: float, decades: int) -> None:
    assert decades_of([0.7, smallest]) == decades


def test_time_is_clamped_and_ticks_are_few() -> None:
    time = TimeScale(FIRST_NIGHT, FIRST_NIGHT + 90 * NIGHT, 0, 900)
    assert time(FIRST_NIGHT - NIGHT) == 0
    assert time(FIRST_NIGHT + 45 * NIGHT) == 450
    assert 2 <= len(time.ticks(10)) <= 10
    short = TimeScale(FIRST_NIGHT, FIRST_NIGHT + datetime.timedelta(seconds=56), 0, 900)
    assert [label for _, label in short.ticks(3)] == ["00:00:00", "00:00:28", "00:00:56"]


def test_the_time_line_places_nights_events_and_calm() -> None:
    promoted = FIRST_NIGHT + 1.5 * NIGHT
    happened = [Annotation(promoted, None, "promotion", "good", "Promoted", "/models/1")]
    drawn = timeline.layout(_nights(0.5, 1e-4, None), happened, WIDE)
    assert drawn is not None
    calm, odd, failed = drawn.points
    assert calm.x < odd.x < failed.x
    assert odd.y < drawn.note < calm.y < failed.y < drawn.bottom
    assert [lane.name for lane in drawn.lanes] == ["models"]
    assert drawn.changes[0].x == pytest.approx(odd.x, abs=1)


def test_no_nights_no_picture() -> None:
    assert timeline.layout([], [], WIDE) is None
    assert sparkline.layout("brightness", [], middle=0, reach=1, large=False) is None


def test_effects_are_sorted_and_grow_from_the_middle() -> None:
    rows = [
        {"name": name, "reference": 1.0, "night": 1.0, "effect": effect}
        for name, effect in (("contrast", 0.1), ("brightness", -4.0), ("width", 2.0))
    ]
    found = bars.effects(rows)
    assert [bar.name for bar in found] == ["brightness", "width", "contrast"]
    assert (found[0].x, found[0].width) == (0, 50)
    assert (found[1].x, found[1].width) == (50, 25)
    assert [bar.large for bar in found] == [True, True, False]


def test_a_spread_is_told_where_it_is_another() -> None:
    row = {"name": "contrast", "reference": 1.0, "night": 1.0, "effect": 0.0}
    told = [{"spread": spread} for spread in (0.5, 1.1, 1.6, None)]
    found = bars.effects([row, *(row | spread for spread in told)])
    assert [bar.spread for bar in found] == [None, 0.5, None, 1.6, None]


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (formats.number(5200.4), "5,200"),
        (formats.number(-2.1), "\N{MINUS SIGN}2.1"),
        (formats.number(None), "–"),
        (formats.number(float("nan")), "–"),
        (formats.p_value(0.00001), "< 0.0001"),
        (formats.p_value(0.034), "0.034"),
        (formats.share(0.024), "2.4%"),
        (formats.duration(datetime.timedelta(hours=49)), "2 days"),
        (formats.window(NOON, NOON + NIGHT / 12), "1 Sep, 12:00 to 14:00"),
        (formats.window(NOON, NOON + NIGHT / 2), "1 Sep, 12:00 to 00:00"),
        (formats.window(NOON, NOON + NIGHT), "1 Sep, 12:00 to 2 Sep, 12:00"),
        (formats.duration(datetime.timedelta(seconds=1)), "1 second"),
        (formats.window(FIRST_NIGHT, FIRST_NIGHT + NIGHT), "1 Sep 2026"),
        (formats.window(FIRST_NIGHT, FIRST_NIGHT + 7 * NIGHT), "1 Sep to 7 Sep 2026"),
        (
            formats.window(FIRST_NIGHT, FIRST_NIGHT + datetime.timedelta(seconds=8)),
            "1 Sep, 00:00:00 to 00:00:08",
        ),
    ],
)
def test_formats(shown: str, expected: str) -> None:
    assert shown == expected
