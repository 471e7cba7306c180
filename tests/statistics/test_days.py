"""The drift test on days: what it compares, when it is silent, and how a day is sketched."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mycovigil_statistics.drift import (
    DaySketch,
    DriftTest,
    FeatureGeometry,
    PredictionGeometry,
    judge_days,
)
from mycovigil_statistics.errors import DimensionMismatch, InsufficientRows
from mycovigil_statistics.sample import FloatArray
from mycovigil_statistics.simulated import Shift, World

DAYS, PHOTOS, WIDTH = 6, 60, 32
WORLD = World.random(5, WIDTH)
CALM = Shift()
OF_A_MODEL = ("novelty", "predictions")


def photos(seed: int, rows: int = PHOTOS, shift: Shift = CALM) -> FloatArray:
    return WORLD.draw(rows, np.random.default_rng(seed), shift)[0]


def keys(days: int = DAYS) -> list[str]:
    return [f"2026-11-{day + 1:02}" for day in range(days) for _ in range(PHOTOS)]


@cache
def known() -> DriftTest:
    features = photos(1, DAYS * PHOTOS)
    return DriftTest.fit(features, WORLD.probabilities(features), days=keys(), seed=2)


def same(first: DaySketch, second: DaySketch) -> bool:
    one, other = first.to_arrays(), second.to_arrays()
    return one.keys() == other.keys() and all(
        np.allclose(one[name], other[name], rtol=1e-5, atol=1e-5) for name in one
    )


@settings(max_examples=25, deadline=None)
@given(cut=st.integers(8, PHOTOS - 8), burst=st.integers(1, 4), seed=st.integers(0, 1_000))
def test_a_merge_equals_the_whole_where_no_group_lies_in_both_parts(
    cut: int, burst: int, seed: int
) -> None:
    features = photos(seed)
    groups = np.arange(PHOTOS) // burst
    first = groups < groups[cut]
    whole = known().sketch(features, groups=groups)
    parts = [known().sketch(features[part], groups=groups[part]) for part in (first, ~first)]
    assert same(parts[0].merge(parts[1]), whole)
    assert same(parts[1].merge(parts[0]), whole)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1_000))
def test_a_sketch_depends_on_no_order_of_rows(seed: int) -> None:
    features = photos(seed)
    turned = np.random.default_rng(seed).permutation(PHOTOS)
    assert same(known().sketch(features), known().sketch(features[turned]))


def test_a_sketch_survives_its_arrays_and_is_small() -> None:
    found = known().sketch(photos(3))
    arrays = found.to_arrays()
    assert same(DaySketch.from_arrays(arrays), found)
    assert sum(array.nbytes for array in arrays.values()) < 10_000


def test_a_feature_part_and_a_prediction_part_make_a_day() -> None:
    features = photos(3)
    whole = known().sketch(features, WORLD.probabilities(features))
    parts = whole.only("location", "leading", "density", "oddity"), whole.only("predictions")
    assert same(parts[0].joined(parts[1]), whole)


def test_a_group_counts_once_however_many_photos_it_has() -> None:
    features = photos(4)
    repeated = np.vstack([features, np.repeat(features[:1], 200, axis=0)])
    groups = [*range(PHOTOS), *[0] * 200]
    assert known().sketch(repeated, groups=groups).units == PHOTOS
    one, other = known().sketch(repeated, groups=groups), known().sketch(features)
    assert np.allclose(one.views["location"].mean, other.views["location"].mean, atol=1e-5)


def test_a_fitted_test_survives_its_arrays() -> None:
    features = photos(6)
    again = DriftTest.from_arrays(known().to_arrays())
    assert again.judge(features) == known().judge(features)


def test_a_calm_night_beside_its_days() -> None:
    result = known().judge(photos(7))
    assert result.days == DAYS
    assert result.p_days is not None
    assert result.p_value == max(p for p in (result.p_days, result.p_rows) if p is not None)
    assert "times what your days vary by" in result.summary()
    found = result.detectable(0.05)
    assert found is not None
    assert found > 1


def test_a_strange_night_alarms_by_days_and_by_rows() -> None:
    result = known().judge(photos(8, shift=Shift(novel=0.8)))
    assert result.p_rows is not None
    assert result.p_value <= 0.001
    assert result.rank == 1
    assert result.ratio is not None
    assert result.ratio > (result.detectable(0.001) or 0)


def test_fewer_than_three_days_say_nothing_of_days() -> None:
    features = photos(1, 2 * PHOTOS)
    few = DriftTest.fit(features, days=keys(2))
    result = few.judge(photos(9, shift=Shift(novel=0.6)))
    assert (result.p_days, result.ratio, result.rank) == (None, None, None)
    assert result.p_value == result.p_rows
    with pytest.raises(InsufficientRows, match="3 are needed"):
        few.judge_days([few.sketch(photos(3))])


def test_a_group_over_midnight_belongs_to_one_day() -> None:
    features = photos(1, DAYS * PHOTOS)
    groups: list[object] = [None] * len(features)
    groups[PHOTOS - 1] = groups[PHOTOS] = "a walk that ended after midnight"
    fitted = DriftTest.fit(features, groups=groups, days=keys())
    assert len(fitted.baseline) == DAYS


def test_data_frames_are_read_as_arrays_in_their_order() -> None:
    features, groups = photos(3), [f"walk {row // 2}" for row in range(PHOTOS)]
    labels = np.random.default_rng(0).permutation(PHOTOS)
    frame = pd.DataFrame(features, index=labels)
    column = pd.Series(groups, index=labels)
    assert same(known().sketch(frame, groups=column), known().sketch(features, groups=groups))
    days = pd.Series(keys(), index=np.arange(DAYS * PHOTOS)[::-1])
    fitted = DriftTest.fit(pd.DataFrame(photos(1, DAYS * PHOTOS)), days=days)
    assert len(fitted.baseline) == DAYS


def test_sketches_of_two_geometries_are_never_compared() -> None:
    other = World.random(6, 16)
    features = other.draw(DAYS * PHOTOS, np.random.default_rng(0))[0]
    foreign = DriftTest.fit(features, days=keys())
    with pytest.raises(DimensionMismatch, match="two geometries"):
        known().judge_days([foreign.baseline[0]])


def test_days_must_be_one_key_a_row() -> None:
    with pytest.raises(DimensionMismatch, match="one key a row"):
        DriftTest.fit(photos(1, 200), days=["2026-11-01"] * 199)


def test_a_window_of_calm_nights_and_one_that_drifts() -> None:
    calm = [known().sketch(photos(seed)) for seed in range(20, 27)]
    drifted = [known().sketch(photos(seed, shift=Shift(novel=0.4))) for seed in range(20, 27)]
    assert (known().judge_days(calm).p_days or 0) > 0.005
    assert (known().judge_days(drifted).p_days or 1) <= 0.005
    assert "The shift of these 7 nights" in known().judge_days(drifted).summary()


def test_parts_are_fitted_apart_and_make_a_day_together() -> None:
    features = photos(1, DAYS * PHOTOS)
    places = FeatureGeometry.fit(features)
    answers = PredictionGeometry.fit(WORLD.probabilities(features), features[:, :1])
    again = PredictionGeometry.from_arrays(answers.to_arrays())

    def day(seed: int, geometry: PredictionGeometry = answers) -> DaySketch:
        rows = photos(seed)
        part = geometry.sketch(WORLD.probabilities(rows), rows[:, :1])
        return places.sketch(rows).joined(part)

    assert set(day(3).views) == {"location", "leading", "density", "oddity", *OF_A_MODEL}
    assert same(day(3, again), day(3))
    found = judge_days([day(9)], baseline=[day(seed) for seed in range(20, 26)])
    assert {view.name for view in found.views} == set(day(3).views)
    assert found.left_out == ()


def test_a_view_is_compared_with_the_days_that_have_it() -> None:
    features = photos(1, DAYS * PHOTOS)
    places, answers = FeatureGeometry.fit(features), PredictionGeometry.fit(features[:, :2])
    days = [places.sketch(photos(seed)) for seed in range(20, 26)]
    part = answers.sketch(photos(9)[:, :2])
    few = [day.joined(part) for day in days[:2]] + days[2:]
    assert judge_days([days[5].joined(part)], baseline=few).left_out == ("predictions",)
    enough = [day.joined(part) for day in days[:3]] + days[3:]
    assert judge_days([days[5].joined(part)], baseline=enough).left_out == ()


def test_a_part_of_another_geometry_or_width_is_refused() -> None:
    features = photos(1, DAYS * PHOTOS)
    one, other = FeatureGeometry.fit(features, seed=1), FeatureGeometry.fit(features[1:], seed=1)
    days = [one.sketch(photos(seed)) for seed in range(20, 26)]
    with pytest.raises(DimensionMismatch, match="two geometries"):
        judge_days([other.sketch(photos(3))], baseline=days)
    with pytest.raises(DimensionMismatch, match="two encoders"):
        one.sketch(photos(3)[:, :-1])
    with pytest.raises(DimensionMismatch, match="3 columns, the geometry has 2"):
        PredictionGeometry.fit(features[:, :2]).sketch(features[:, :3])
    with pytest.raises(DimensionMismatch, match="neither"):
        PredictionGeometry.fit()


def test_rows_join_days_by_the_larger_p() -> None:
    calm = known().judge_days([known().sketch(photos(7))])
    assert calm.with_rows(0.001).p_value == calm.p_days
    assert calm.with_rows(1.0).p_value == 1.0
