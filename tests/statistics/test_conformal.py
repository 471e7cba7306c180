"""Conformal floors: the promise holds over many worlds, and is refused where it cannot."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mycovigil_statistics.safety.conformal import (
    Floor,
    NotCertifiable,
    largest_floor,
    set_floors,
    smallest_certifiable,
    units_needed,
)

WORLDS = 3_000


def binomial_slack(rate: float, runs: int) -> float:
    """Three standard errors of an observed rate."""
    return 3 * float(np.sqrt(rate * (1 - rate) / runs))


@pytest.mark.parametrize(("n", "target"), [(19, 0.05), (60, 0.05), (30, 0.2)])
def test_a_new_photo_is_lost_no_more_often_than_promised(n: int, target: float) -> None:
    rng = np.random.default_rng(n)
    scores = rng.beta(2, 3, size=(WORLDS, n + 1))
    lost = np.mean([row[-1] < largest_floor(row[:-1], target).value for row in scores])
    assert lost <= target + binomial_slack(target, WORLDS)
    assert lost >= target - 1 / (n + 1) - binomial_slack(target, WORLDS)


def test_photos_of_one_specimen_count_together() -> None:
    """Bursts: photo-wise conformal breaks its promise per specimen, group-wise keeps it."""
    rng = np.random.default_rng(5)
    specimens, target, world_count = 40, 0.1, 1_500
    sizes = np.where(np.arange(specimens + 1) % 4 == 0, 20, 1)
    groups = np.repeat(np.arange(specimens + 1), sizes)
    lost = []
    for _ in range(world_count):
        level = rng.normal(size=specimens + 1)
        rng.shuffle(level)
        scores = level[groups] + 0.05 * rng.normal(size=len(groups))
        held = groups == rng.integers(specimens + 1)
        floor = largest_floor(scores[~held], target, groups[~held])
        lost.append((scores[held] < floor.value).mean())
    assert np.mean(lost) <= target + binomial_slack(target, world_count)
    assert floor.units == specimens


@given(
    st.lists(st.floats(0, 1), min_size=20, max_size=80),
    st.sampled_from([0.05, 0.1, 0.2, 0.5]),
)
def test_the_floor_is_the_largest_that_keeps_the_bound(scores: list[float], target: float) -> None:
    values, n = np.asarray(scores), len(scores)

    def risk(floor: float) -> float:
        return float(((values < floor).sum() + 1) / (n + 1))

    found = largest_floor(values, target)
    assert risk(found.value) == pytest.approx(found.bound)
    assert found.bound <= target + 1e-9
    higher = values[values > found.value]
    if len(higher):
        assert risk(float(higher.min())) > target


def test_singletons_equal_no_groups() -> None:
    scores = np.random.default_rng(2).random(50)
    assert largest_floor(scores, 0.1) == largest_floor(scores, 0.1, np.arange(50))


@pytest.mark.parametrize("n", [0, 1, 18])
def test_too_few_specimens_are_refused_with_the_number_needed(n: int) -> None:
    with pytest.raises(NotCertifiable, match="needs at least 19") as refusal:
        largest_floor(np.full(n, 0.9), 0.05)
    assert refusal.value.smallest == pytest.approx(1 / (n + 1))
    assert refusal.value.units == n


def test_many_photos_of_few_specimens_are_still_few() -> None:
    groups = np.arange(500) % 10
    with pytest.raises(NotCertifiable, match="10 specimens"):
        largest_floor(np.linspace(0, 1, 500), 0.05, groups)


def test_units_needed_and_smallest_certifiable_agree() -> None:
    for target in (0.01, 0.02, 0.05, 0.1, 0.2):
        needed = units_needed(target)
        assert smallest_certifiable(needed) <= target + 1e-12
        assert smallest_certifiable(needed - 1) > target
    assert smallest_certifiable(50) == pytest.approx(0.0196, abs=1e-4)


def test_sets_cover_each_class_at_its_own_level() -> None:
    rng = np.random.default_rng(8)
    targets = np.array([0.1, 0.2, 0.1, 0.05])
    counts = np.array([120, 60, 80, 40])
    labels = np.repeat(np.arange(4), counts)
    missed = np.zeros(4)
    worlds = 800
    for _ in range(worlds):
        calibration = _probabilities(rng, labels)
        sets = set_floors(calibration, labels, targets)
        fresh = _probabilities(rng, np.arange(4))
        missed += ~sets.members(fresh)[np.arange(4), np.arange(4)]
        assert sets.certified.all()
    for rate, target in zip(missed / worlds, targets, strict=True):
        assert rate <= target + binomial_slack(target, worlds)


def test_a_class_of_few_photos_is_never_ruled_out() -> None:
    rng = np.random.default_rng(9)
    labels = np.array([0] * 50 + [1] * 50 + [2] * 50 + [3] * 5)
    sets = set_floors(_probabilities(rng, labels), labels, 0.05)
    assert sets.certified.tolist() == [True, True, True, False]
    assert sets.members(np.array([[1.0, 0, 0, 0]]))[0].tolist() == [True, False, False, True]


def test_scores_that_cannot_be_ranked_are_refused() -> None:
    for wrong in (float("nan"), float("inf"), -float("inf")):
        with pytest.raises(ValueError, match=r"^scores hold NaN or infinity$"):
            largest_floor([0.1] * 30 + [wrong], 0.1)
    for target in (0.0, 1.0, -0.1, 1.5):
        with pytest.raises(ValueError, match=f"^a target lies between 0 and 1, not {target}$"):
            largest_floor([0.1] * 30, target)
    with pytest.raises(ValueError, match="3 scores but 2 groups"):
        largest_floor([0.1] * 3, 0.5, [1, 2])


def test_a_photo_counts_as_its_share_of_its_specimen() -> None:
    """By hand: two photos of one specimen count half each, so below .5 lie 1.5 specimens, and
    (1.5 + 1) / 5 is the target."""
    scores, groups = [0.1, 0.9, 0.3, 0.5, 0.7], [0, 0, 1, 2, 3]
    assert largest_floor(scores, 0.5, groups) == Floor(0.5, 0.5, 0.5, 4, 5)
    assert largest_floor(scores, 0.49, groups) == Floor(0.3, 0.49, 1.5 / 5, 4, 5)


def test_equal_scores_are_lost_together() -> None:
    assert largest_floor([0.2, 0.4, 0.4, 0.4, 0.9], 0.5) == Floor(0.4, 0.5, 2 / 6, 5, 5)
    with pytest.raises(NotCertifiable) as refusal:
        largest_floor([0.4], 0.4)
    assert (refusal.value.target, refusal.value.units) == (0.4, 1)
    assert largest_floor([0.4], 0.5).value == 0.4


def test_sets_count_specimens_and_not_their_photos() -> None:
    rng = np.random.default_rng(10)
    labels, specimens = np.repeat([0, 1], [60, 40]), np.concatenate([np.arange(60), np.arange(40)])
    specimens[60:] //= 10  # of the second class ten photos each of four
    probabilities = _probabilities(rng, labels)
    sets = set_floors(probabilities, labels, [0.1, 0.25, 0.2, 0.2], specimens)
    assert sets.units.tolist() == [60, 4, 0, 0]
    assert sets.certified.tolist() == [True, True, False, False]
    own = labels == 1
    alone = largest_floor(probabilities[own, 1], 0.25, specimens[own])
    assert sets.floors[1] == alone.value
    assert sets.floors[1] != largest_floor(probabilities[own, 1], 0.25).value
    fewer = set_floors(probabilities, labels, 0.19, specimens)
    assert fewer.certified.tolist() == [True, False, False, False]
    assert fewer.floors[1:].tolist() == [0.0, 0.0, 0.0]
    exactly = set_floors(probabilities, labels, 0.2, specimens)
    assert exactly.certified.tolist() == [True, True, False, False]


def _probabilities(rng: np.random.Generator, labels: np.ndarray) -> np.ndarray:
    weights = rng.gamma(1.0, size=(len(labels), 4))
    weights[np.arange(len(labels)), labels] += rng.gamma(2.0, size=len(labels))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
