"""Units of different sizes on the two sides: none is lost, and calm nights stay calm."""

import numpy as np
import pytest
from factories.counted import counted
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from mycovigil_statistics import fit, judge
from mycovigil_statistics.drift.thinning import thinned
from mycovigil_statistics.sample import IntArray, Sample

LEVEL = 0.05
sizes = st.lists(st.integers(1, 9), min_size=1, max_size=40)


def sample(photos: list[int]) -> Sample:
    units = np.repeat(np.arange(len(photos)), photos)
    return Sample(np.arange(len(units), dtype=np.float32)[:, None], None, None, units)


def size_of(found: Sample) -> IntArray:
    return np.bincount(found.units)


@given(sizes, sizes)
def test_no_unit_is_lost_and_none_grows(first: list[int], second: list[int]) -> None:
    cut = thinned(sample(first), sample(second), np.random.default_rng(0))
    for found, before in zip(cut, (first, second), strict=True):
        assert found.unit_count == len(before)
        assert (size_of(found) >= 1).all()
        assert (size_of(found) <= before).all()


@given(sizes)
def test_the_same_sizes_stay(photos: list[int]) -> None:
    cut = thinned(sample(photos), sample(photos[::-1]), np.random.default_rng(0))
    assert [found.rows for found in cut] == [sum(photos)] * 2


@given(sizes)
def test_beside_single_photos_all_are_single(photos: list[int]) -> None:
    cut = thinned(sample(photos), sample([1] * 7), np.random.default_rng(0))
    assert size_of(cut[0]).max() == 1


def test_sizes_become_alike() -> None:
    small, large = [1, 2, 3] * 20, [2, 4, 6] * 200
    cut = thinned(sample(small), sample(large), np.random.default_rng(0))
    shares = [np.bincount(size_of(found), minlength=4) / found.unit_count for found in cut]
    assert shares[0] == pytest.approx(shares[1], abs=0.01)


@counted("nights", 16, 400)
def test_a_night_that_names_no_specimens_is_calm_beside_a_reference_that_does(nights: int) -> None:
    """By means of units as they are, nearly half of these nights alarm."""
    wrong = 0

    def draw(rows: int, photos: int, generator: np.random.Generator) -> np.ndarray:
        kinds = np.repeat(generator.standard_normal((rows // photos, 256)), photos, axis=0)
        return kinds + generator.standard_normal(kinds.shape)

    for seed in range(nights):
        generator = np.random.default_rng(seed)
        x, y = draw(2_000, 2, generator), draw(200, 1, generator)
        fitted = fit(x, groups=np.arange(2_000) // 2, seed=seed)
        wrong += judge(fitted, y, seed=seed, permutations=199).p_value <= LEVEL
    assert wrong <= binom.ppf(1 - 1e-4, nights, LEVEL)
