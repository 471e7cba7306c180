"""Invariance, degenerate input, refusals, and the cache."""

import io
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mycovigil_statistics import FittedReference, fit, judge
from mycovigil_statistics.errors import (
    DimensionMismatch,
    InsufficientRows,
    NotFinite,
    NotNumbers,
)


def rows(seed: int, count: int, dimension: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, dimension))


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**31), st.integers(30, 90), st.booleans())
def test_the_order_of_rows_does_not_matter(seed: int, count: int, grouped: bool) -> None:
    x, y = rows(seed, 120), rows(seed + 1, count)
    keys = np.arange(120) // 3 if grouped else None
    tonight = np.arange(count) // 2 if grouped else None
    order = np.random.default_rng(seed).permutation(120)
    shuffled = np.random.default_rng(seed).permutation(count)
    plain = judge(fit(x, groups=keys), y, groups=tonight)
    again = judge(
        fit(x[order], groups=None if keys is None else keys[order]),
        y[shuffled],
        groups=None if tonight is None else tonight[shuffled],
    )
    assert again == plain


def test_the_order_of_rows_that_look_alike_does_not_matter() -> None:
    x, y = rows(1, 160, 6), rows(2, 60, 6)
    x[:, :4], y[:, :4] = 0, 0
    x[80:], y[40:] = x[:80], y[:20]
    told, tonight = rows(3, 160, 2), rows(4, 60, 2)
    plain = judge(fit(x, covariates=told), y, covariates=tonight)
    for seed in range(3):
        order, shuffled = (np.random.default_rng(seed).permutation(n) for n in (160, 60))
        fitted = fit(x[order], covariates=told[order])
        assert judge(fitted, y[shuffled], covariates=tonight[shuffled]) == plain


@pytest.mark.parametrize("seed", range(20))
def test_a_group_of_most_of_the_rows_is_learned_from_and_never_compared_with(seed: int) -> None:
    x, keys = rows(seed, 300), np.append(np.zeros(180, int), 1 + np.arange(120) // 2)
    fitted = fit(x, groups=keys, seed=seed)
    assert fitted.pool.unit_count == 60
    assert judge(fitted, rows(seed + 100, 60), seed=seed).units == 60


def test_too_few_groups_to_compare_with_are_refused() -> None:
    with pytest.raises(InsufficientRows, match="5 independent groups are left to compare with"):
        fit(rows(1, 200), pool_rows=5)


def test_units_of_measurement_do_not_matter() -> None:
    x, y = rows(1, 400), rows(2, 100) + 0.1
    plain, scaled = judge(fit(x), y), judge(fit(1_000 * x + 7), 1_000 * y + 7)
    assert scaled.p_value == pytest.approx(plain.p_value, abs=0.05)


@pytest.mark.parametrize("seed", range(3))
def test_the_scale_of_irrelevant_dimensions_neither_hides_a_shift_nor_makes_one(seed: int) -> None:
    x, calm = rows(2 * seed + 1, 600), rows(2 * seed + 2, 150)
    moved = calm + np.array([0.6, 0, 0, 0, 0])
    for scale in (1e-3, 1.0, 1e3):
        sizes = np.array([1, scale, 1, scale, 1])
        fitted = fit(x * sizes)
        assert judge(fitted, moved * sizes).p_value <= 0.005
        assert judge(fitted, calm * sizes).p_value > 0.005


def test_a_photo_sent_twice_in_one_group_counts_once() -> None:
    x, y = rows(3, 200), rows(4, 60) + 0.2
    fitted, keys = fit(x), np.arange(60)
    twice = judge(fitted, np.repeat(y, 2, axis=0), groups=np.repeat(keys, 2))
    once = judge(fitted, y, groups=keys)
    assert (twice.units, twice.rows) == (60, 120)
    assert twice.group_p_values["location"] == pytest.approx(
        once.group_p_values["location"], abs=0.05
    )


def test_names_of_groups_do_not_matter() -> None:
    x, y, keys = rows(1, 200), rows(2, 60), np.arange(60) // 3
    fitted = fit(x)
    names = [f"session-{key}" for key in keys]
    assert judge(fitted, y, groups=names) == judge(fitted, y, groups=keys)


def test_rows_without_a_group_stand_alone() -> None:
    fitted = fit(rows(1, 200))
    result = judge(fitted, rows(2, 40), groups=["a"] * 10 + [None] * 20 + [float("nan")] * 10)
    assert result.units == 31


def test_constant_missing_and_duplicate_columns_are_no_drift() -> None:
    x, y = rows(3, 300), rows(4, 80)
    x[:, 2] = y[:, 2] = 1.5
    x[:, 4], y[:, 4] = x[:, 0], y[:, 0]
    z, tonight = np.full((300, 3), np.nan), np.full((80, 3), np.nan)
    z[:, 0], tonight[:, 0] = 2, 2
    z[:, 1], tonight[:, 1] = x[:, 0], y[:, 0]
    result = judge(fit(x, None, z), y, None, tonight)
    assert 0.001 < result.p_value <= 1
    assert all(np.isfinite(view.effect) for view in result.views)


def test_identical_rows_are_no_drift_and_a_jump_of_them_is() -> None:
    fitted = fit(np.ones((150, 4)))
    assert judge(fitted, np.ones((40, 4))).p_value == 1
    assert judge(fitted, np.full((40, 4), 2.0)).p_value <= 0.001


def test_a_covariate_that_is_missing_more_often_is_seen() -> None:
    z = np.random.default_rng(5).standard_normal((600, 2))
    z[400:][::2, 1] = np.nan
    x = rows(5, 600)
    assert judge(fit(x[:400], None, z[:400]), x[400:], None, z[400:]).p_value <= 0.001


@pytest.mark.parametrize("probabilities", [True, False])
def test_a_cached_reference_judges_alike(probabilities: bool) -> None:
    x, y = rows(6, 250), rows(7, 50)
    p = np.abs(x[:, :2]) / np.abs(x[:, :2]).sum(axis=1, keepdims=True)
    keys = np.arange(250) // 2
    fitted = fit(x, p if probabilities else None, x[:, 3:], novelty=x[:, :1], groups=keys, seed=9)
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **fitted.to_arrays())
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        restored = FittedReference.from_arrays(arrays)
    assert (restored.rows, restored.seed) == (250, 9)
    night = {"probabilities": p[:50], "covariates": y[:, 3:], "novelty": y[:, :1]}
    assert judge(restored, y, **night) == judge(fitted, y, **night)


@pytest.mark.parametrize("dimension", [1, 3, 40, 300])
def test_any_dimension_is_judged(dimension: int) -> None:
    fitted = fit(rows(8, 120, dimension))
    assert judge(fitted, rows(9, 30, dimension)).p_value > 0.001
    assert judge(fitted, rows(9, 60, dimension) + 3).p_value <= 0.001


def test_what_cannot_be_tested_is_refused_with_a_reason() -> None:
    x = rows(10, 200)
    fitted = fit(x, np.full((200, 2), 0.5))
    with pytest.raises(InsufficientRows, match="99 rows given, at least 100"):
        fit(x[:99])
    with pytest.raises(InsufficientRows, match="5 independent groups"):
        fit(x, groups=np.arange(200) % 5)
    with pytest.raises(InsufficientRows, match="at least 30"):
        judge(fitted, x[:29])
    with pytest.raises(InsufficientRows, match="at least 10 are needed"):
        judge(fitted, x[:40], groups=np.arange(40) % 4)
    with pytest.raises(DimensionMismatch, match="two encoders"):
        judge(fitted, rows(11, 40, 6))
    with pytest.raises(DimensionMismatch, match="3 columns"):
        judge(fitted, x[:40], np.full((40, 3), 1 / 3))
    with pytest.raises(DimensionMismatch, match="39 rows of probabilities"):
        judge(fitted, x[:40], np.full((39, 2), 0.5))
    with pytest.raises(DimensionMismatch, match="groups for 40 rows"):
        judge(fitted, x[:40], groups=[1, 2])
    with pytest.raises(DimensionMismatch, match="one key a row"):
        judge(fitted, x[:40], groups=np.zeros((40, 2)))
    for odd in (x.astype(str), x + 1j, np.full(x.shape, object()), x.astype("datetime64[s]")):
        with pytest.raises(NotNumbers, match="features must be real numbers"):
            fit(odd)
    with pytest.raises(NotFinite, match="40 rows of features"):
        judge(fitted, x[:40] * 1e300)
    with pytest.raises(DimensionMismatch, match=r"\(rows, columns\)"):
        fit(x[:, 0])
    y = x[:40].copy()
    y[3, 1] = np.nan
    with pytest.raises(NotFinite, match="1 rows of features"):
        judge(fitted, y)


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import mycovigil_statistics, sys; print({'numpy', 'scipy', 'sklearn'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
