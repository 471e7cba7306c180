"""A seasonal reference holds the season of earlier years, whole groups, and nothing from later."""

from datetime import date

import numpy as np
import pytest

from mycovigil_statistics.drift.seasonal import seasonal_rows, seasonal_weights
from mycovigil_statistics.errors import DimensionMismatch, InsufficientRows

DAYS = np.arange("2018-01-01", "2023-01-01", dtype="datetime64[D]")
NIGHT = date(2022, 10, 1)


def test_the_year_is_a_circle_and_a_missing_date_has_the_floor() -> None:
    dates = np.array(["2021-12-31", "2021-01-03", "2021-07-01", "NaT"], "datetime64[D]")
    weights = seasonal_weights(dates, date(2022, 1, 1))
    assert weights[:2] == pytest.approx([1, 1], abs=0.03)
    assert weights[2:] == pytest.approx([0.01, 0.01], abs=1e-3)


def test_most_rows_are_of_the_season_and_none_is_of_the_future() -> None:
    chosen = DAYS[seasonal_rows(DAYS, NIGHT, 200)]
    assert len(chosen) == 200
    assert chosen.max() < np.datetime64(NIGHT)
    near = np.isin(chosen.astype("datetime64[M]").astype(int) % 12 + 1, [9, 10])
    assert near.mean() > 0.5
    assert not near.all()


def test_a_floor_of_one_is_the_plain_reference() -> None:
    chosen = DAYS[seasonal_rows(DAYS, NIGHT, 600, floor=1.0)]
    months = np.bincount(chosen.astype("datetime64[M]").astype(int) % 12, minlength=12)
    assert months.min() > 25


def test_groups_stay_whole() -> None:
    keys = np.arange(len(DAYS)) // 7
    chosen = seasonal_rows(DAYS[:1_400], NIGHT, 300, groups=keys[:1_400])
    _, sizes = np.unique(keys[chosen], return_counts=True)
    assert set(sizes) == {7}
    assert 300 <= len(chosen) < 307


def test_the_same_seed_chooses_the_same_rows() -> None:
    first, again, other = (seasonal_rows(DAYS, NIGHT, 100, seed=seed) for seed in (1, 1, 2))
    assert (first == again).all()
    assert set(first) != set(other)


def test_too_few_earlier_rows_are_refused() -> None:
    with pytest.raises(InsufficientRows, match="31 rows were captured before 2018-02-01"):
        seasonal_rows(DAYS, date(2018, 2, 1), 100)
    with pytest.raises(DimensionMismatch, match="2 groups for"):
        seasonal_rows(DAYS, NIGHT, 10, groups=["a", "b"])
