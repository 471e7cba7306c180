"""Slices share one level; the slice that drifted is named, and its null is the right one."""

import numpy as np
import pytest
from factories.counted import counted
from scipy.stats import binom

from mycovigil_statistics import FittedReference, fit, judge_slices
from mycovigil_statistics.drift.holm import holm
from mycovigil_statistics.drift.slices import POOL_UNITS, PREDICTED_CLASS, _pool

LEVEL = 0.05


def photos(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Features, and probabilities of three classes that follow them."""
    x = np.random.default_rng(seed).standard_normal((count, 6))
    odds = np.exp(2 * x[:, :3])
    return x, odds / odds.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def fitted() -> FittedReference:
    return fit(*photos(0, 800), seed=0)


def test_the_client_that_drifted_is_named_and_no_other(fitted: FittedReference) -> None:
    x, p = photos(6, 240)
    clients = np.repeat(["anna", "bert", "cleo"], 80).tolist()
    x[80:160] += 1.0
    results = judge_slices(fitted, x, p, slices={"client": clients}, level=LEVEL)
    drifted = {(r.dimension, r.value) for r in results if r.drifted}
    assert ("client", "bert") in drifted
    assert not {("client", "anna"), ("client", "cleo")} & drifted
    assert results[0].adjusted_p is not None
    assert results[0].result is not None
    assert results[0].adjusted_p >= results[0].result.p_value


@counted("nights", 10, 200)
def test_a_predicted_class_is_compared_with_its_own_part_of_the_reference(nights: int) -> None:
    """Many more photos of one class are no drift within the classes."""
    wrong = 0
    for seed in range(nights):
        x, p = photos(200 + seed, 1_300)
        fitted = fit(x[:500], p[:500], seed=seed)
        predicted = p[500:].argmax(axis=1)
        many, few = np.flatnonzero(predicted == 0)[:150], np.flatnonzero(predicted != 0)[:150]
        rows = 500 + np.concatenate([many, few])
        results = judge_slices(fitted, x[rows], p[rows], slices={}, level=LEVEL, permutations=999)
        assert {r.dimension for r in results} == {PREDICTED_CLASS}
        wrong += any(r.drifted for r in results)
    assert wrong <= binom.ppf(1 - 1e-4, nights, LEVEL)


def test_small_slices_are_not_judged_and_missing_values_are_left_out(
    fitted: FittedReference,
) -> None:
    x, _ = photos(3, 100)
    versions = ["1.0"] * 60 + ["2.0"] * 20 + [None] * 20
    results = judge_slices(fitted, x, slices={"app_version": versions}, level=LEVEL)
    assert [(r.value, r.rows, r.result is None) for r in results] == [
        ("1.0", 60, False),
        ("2.0", 20, True),
    ]
    assert results[1].adjusted_p is None


def test_a_group_of_one_session_is_too_small(fitted: FittedReference) -> None:
    x, _ = photos(4, 80)
    sessions = ["one"] * 40 + [f"s{n}" for n in range(40)]
    clients = ["anna"] * 40 + ["bert"] * 40
    results = judge_slices(fitted, x, slices={"client": clients}, groups=sessions, level=LEVEL)
    assert {r.value: r.result is None for r in results} == {"anna": True, "bert": False}


def test_rows_without_a_group_stand_alone_beside_a_session(fitted: FittedReference) -> None:
    x, _ = photos(4, 80)
    sessions = ["pair", "pair", *[None] * 78]
    results = judge_slices(
        fitted, x, slices={"client": ["anna"] * 80}, groups=sessions, level=LEVEL
    )
    judgement = results[0].result
    assert judgement is not None
    assert judgement.units == 79


@counted("nights", 16, 400)
def test_calm_nights_name_a_slice_at_most_at_the_level(nights: int) -> None:
    wrong = 0
    for seed in range(nights):
        x, p = photos(100 + seed, 400)
        fitted = fit(x[:240], p[:240], seed=seed)
        hours = np.repeat([7, 8, 9, 10], 40).tolist()
        results = judge_slices(
            fitted, x[240:], p[240:], slices={"hour": hours}, level=0.2, permutations=199
        )
        wrong += any(result.drifted for result in results)
    assert wrong <= binom.ppf(1 - 1e-4, nights, 0.2)


def test_no_level_is_spent_on_slices_that_cannot_page(fitted: FittedReference) -> None:
    """Hours beside classes cost the classes no power, and inform at a level of their own."""
    x, p = photos(6, 480)
    hours = (np.arange(480) % 12).tolist()
    alone, beside = (
        judge_slices(fitted, x, p, slices=columns, level=0.001, permutations=199)
        for columns in ({}, {"hour": hours})
    )
    assert {(r.value, r.adjusted_p, r.level) for r in alone} == {
        (r.value, r.adjusted_p, 0.001) for r in beside if r.pages
    }
    assert {(r.dimension, r.level) for r in beside if not r.pages} == {("hour", 0.05)}


def test_all_slices_share_the_level_where_all_may_page(fitted: FittedReference) -> None:
    x, p = photos(7, 240)
    halves = ["a", "b"] * 120
    found = judge_slices(
        fitted, x, p, slices={"client": halves}, level=LEVEL, paging=(PREDICTED_CLASS, "client")
    )
    judged = [one for one in found if one.result is not None]
    expected = holm([one.result.p_value for one in judged if one.result is not None])
    assert [one.adjusted_p for one in judged] == pytest.approx(expected.tolist())
    assert {one.level for one in found} == {LEVEL}


def test_of_a_large_pool_a_random_part_is_compared() -> None:
    """Units are numbered in the order of a feature: evenly spaced ones would vary too little."""
    fitted = fit(np.random.default_rng(8).standard_normal((4_400, 2)), seed=0)
    spreads = []
    for seed in range(20):
        part = _pool(fitted, "client", "anna", seed)
        assert part is not None
        assert part.pool.rows == POOL_UNITS
        spreads.append(float(part.pool.features[:, 0].mean()))
    left_out = fitted.pool.rows - POOL_UNITS
    of_chance = fitted.pool.features[:, 0].std() * np.sqrt(left_out / fitted.pool.rows / POOL_UNITS)
    assert np.std(spreads) == pytest.approx(of_chance, rel=0.5)


def test_values_must_be_as_many_as_rows(fitted: FittedReference) -> None:
    with pytest.raises(ValueError, match="2 values of client for 40 rows"):
        judge_slices(fitted, photos(5, 40)[0], slices={"client": ["a", "b"]}, level=LEVEL)


def test_holm_agrees_with_its_definition() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]).size == 0
    assert holm([0.9, 0.8]) == pytest.approx([1, 1])
