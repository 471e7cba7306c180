"""Slices as a heat map: pure geometry from what reports hold."""

from typing import Any

from mycovigil_drift.dashboard.charts import heat_map


def _slice(value: str, p_value: float | None, rows: int = 50, **values: Any) -> dict[str, Any]:
    verdict = "insufficient" if p_value is None else "drift" if p_value < 0.001 else "calm"
    given = {"dimension": "client", "value": value, "rows": rows, "p_value": p_value}
    return given | {"verdict": verdict} | values


def test_what_drifted_comes_first_then_the_busiest() -> None:
    nights = [
        [_slice("page", 0.4, rows=900), _slice("app", 0.5), _slice("kit", None, rows=3)],
        [_slice("page", 0.9, rows=900), _slice("app", 0.0001)],
        [],
    ]
    found = heat_map.layout(nights, "client", most=10)
    assert [(row.name, row.photos, row.drifts) for row in found.rows] == [
        ("app", 100, 1),
        ("page", 1800, 0),
        ("kit", 3, 0),
    ]
    app, _, kit = found.rows
    assert app.cells[1] is not None
    assert (app.cells[1].drift, app.cells[1].shade) == (True, heat_map.SHADES)
    assert app.cells[2] is None
    assert kit.cells[0] is not None
    assert not kit.cells[0].judged
    assert heat_map.layout(nights, "client", most=1).rows == [app]


def test_more_surprising_is_darker_but_never_as_dark_as_a_drift() -> None:
    shades = [heat_map.cell(_slice("a", p, verdict="calm")).shade for p in (1, 0.1, 0.01, 1e-9)]
    assert shades == sorted(shades)
    assert shades[0] == 0
    assert shades[-1] == heat_map.SHADES - 1


def test_beside_a_calm_class_stands_the_smallest_shift_that_would_have_been_seen() -> None:
    deadly: dict[str, Any] = {"dimension": "predicted_class", "days": 11, "detectable": 2.43}
    titles = [
        heat_map.cell(one).title
        for one in (
            _slice("deadly", 0.4, **deadly),
            _slice("deadly", 0.0001, **deadly),
            _slice("page", 0.4),
        )
    ]
    seen = "a shift of 2.4 times what its days vary by would have been seen"
    assert titles == [
        f"deadly: 50 photos, calm, p = 0.4; {seen}",
        "deadly: 50 photos, drift, p = 0.0001",
        "page: 50 photos, no drift seen, p = 0.4; it informs",
    ]


def test_hours_stand_in_their_order() -> None:
    night = [_slice(hour, 0.5, dimension="hour") for hour in ("10", "9", "0")]
    rows = heat_map.layout([night], "hour", most=24).rows
    assert [row.name for row in rows] == ["0", "9", "10"]
    assert heat_map.dimensions([night, [_slice("x", 0.5)]]) == ["hour", "client"]
