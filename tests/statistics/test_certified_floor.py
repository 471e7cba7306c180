"""The certificate's floor: exact at every number of specimens, chosen by that number alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from rich.console import Console

from mycovigil_statistics.safety.certified_floor import (
    TARGETS,
    TooFewSpecimens,
    certified_floor,
    smallest_bound,
    specimens_needed,
    supported_target,
)
from mycovigil_statistics.safety.proportions import lower_bound, upper_bound

POPULATION = 20_000
PRINTER = Console(width=120)


@pytest.fixture(scope="module")
def photos() -> list[NDArray[np.float64]]:
    """A finite population of scored specimens: one to six photos each, alike within a specimen,
    with ties (scores are rounded)."""
    rng = np.random.default_rng(1)
    level = rng.beta(4, 1.2, size=POPULATION)
    counts = rng.integers(1, 7, size=POPULATION)
    return [
        np.round(np.clip(one + 0.08 * rng.normal(size=count), 0, 1), 3)
        for one, count in zip(level, counts, strict=True)
    ]


def exceeded(photos: list[NDArray[np.float64]], units: int, runs: int) -> int:
    """In how many calibrations with ``units`` specimens more of the population are lost than the
    target says."""
    rng = np.random.default_rng(units)
    worst = np.array([scores.min() for scores in photos])
    count = 0
    for _ in range(runs):
        drawn = rng.choice(len(photos), size=units, replace=False)
        groups = np.repeat(drawn, [len(photos[number]) for number in drawn])
        floor = certified_floor(np.concatenate([photos[number] for number in drawn]), groups)
        count += bool((worst < floor.value).mean() > floor.target)
    return count


@pytest.mark.parametrize("units", [14, 29, 59, 148])
def test_the_target_is_seldom_exceeded(photos: list[NDArray[np.float64]], units: int) -> None:
    """The short form: refuted only if the count excludes a rate of 5% at 1 in 10,000."""
    assert lower_bound(exceeded(photos, units, 150), 150, 1e-4) <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize("units", [14, 20, 29, 58, 59, 100, 148, 149, 299, 473, 1_000])
def test_the_target_is_exceeded_in_at_most_67_of_1000_calibrations(
    photos: list[NDArray[np.float64]], units: int
) -> None:
    count = exceeded(photos, units, 1_000)
    target = f"{supported_target(units):.0%}"
    PRINTER.print(f"{units} specimens, target {target}: exceeded in {count} of 1,000")
    assert count <= 67


def test_the_number_of_specimens_chooses_the_target() -> None:
    needed = {target: specimens_needed(target) for target in TARGETS}
    assert needed == {0.01: 299, 0.02: 149, 0.05: 59, 0.10: 29, 0.20: 14}
    for target, units in needed.items():
        assert smallest_bound(units) <= target < smallest_bound(units - 1)
        assert supported_target(units) == target
    assert supported_target(58) == 0.10


def test_59_with_none_lost_carry_5_percent() -> None:
    floor = certified_floor(np.linspace(0.2, 0.9, 59))
    assert (floor.target, floor.lost, floor.value) == (0.05, 0, 0.2)
    assert floor.bound == pytest.approx(1 - 0.05 ** (1 / 59))


@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 60)), min_size=1, max_size=200),
    st.sampled_from([(0.2,), (0.1, 0.2), TARGETS]),
)
def test_the_floor_is_the_largest_that_keeps_the_target(
    rows: list[tuple[float, int]], targets: tuple[float, ...]
) -> None:
    scores, groups = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    worst = np.array([scores[groups == name].min() for name in np.unique(groups)])
    if len(worst) < specimens_needed(max(targets)):
        with pytest.raises(TooFewSpecimens):
            certified_floor(scores, groups, targets)
        return
    found = certified_floor(scores, groups, targets)
    lost = int((worst < found.value).sum())
    assert (found.lost, found.units, found.rows) == (lost, len(worst), len(rows))
    assert found.bound == pytest.approx(upper_bound(lost, len(worst)))
    assert found.bound <= found.target
    higher = worst[worst > found.value]
    if len(higher):
        assert upper_bound(int((worst < higher.min()).sum()), len(worst)) > found.target


def test_a_specimen_is_lost_with_its_worst_photo() -> None:
    scores = np.concatenate([np.linspace(0.5, 0.9, 60), np.full(60, 0.95)])
    groups = np.tile(np.arange(60), 2)
    assert certified_floor(scores, groups).value == 0.5
    assert certified_floor(scores, groups).units == 60


def test_bad_input_is_refused() -> None:
    with pytest.raises(
        TooFewSpecimens, match=r"10 deadly specimens cannot.*needs at least 14"
    ) as no:
        certified_floor(np.full(500, 0.5), np.arange(500) % 10)
    assert no.value.units == 10
    assert no.value.smallest == pytest.approx(1 - 0.05**0.1)
    with pytest.raises(TooFewSpecimens, match="0 deadly specimens"):
        certified_floor([])
    with pytest.raises(ValueError, match="NaN"):
        certified_floor([0.1] * 30 + [float("nan")])
    with pytest.raises(ValueError, match="2 scores but 1 groups"):
        certified_floor([0.1, 0.2], ["a"])
    with pytest.raises(ValueError, match="between 0 and 1"):
        specimens_needed(1.0)
