"""Class shares without labels: right on average, and intervals that cover."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mycovigil_statistics.safety.label_shift import (
    by_confusion,
    by_likelihood,
    confusion_shares,
    likelihood_shares,
    with_interval,
)

SOURCE = np.array([0.4, 0.3, 0.2, 0.1])
TARGET = np.array([0.15, 0.15, 0.3, 0.4])
CENTRES = 1.6 * np.eye(4)


def photos(
    shares: NDArray[np.float64], rows: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Exact posteriors under SOURCE of Gaussian classes drawn with ``shares``, and labels."""
    labels = rng.choice(4, size=rows, p=shares)
    points = CENTRES[labels] + rng.normal(size=(rows, 4))
    joint = SOURCE * np.exp(points @ CENTRES.T - 0.5 * (CENTRES**2).sum(axis=1))
    return joint / joint.sum(axis=1, keepdims=True), labels


def test_both_estimators_find_moved_shares() -> None:
    rng = np.random.default_rng(1)
    known, labels = photos(SOURCE, 4_000, rng)
    new, _ = photos(TARGET, 4_000, rng)
    assert by_likelihood(new, known, labels) == pytest.approx(TARGET, abs=0.04)
    assert by_confusion(new, known, labels) == pytest.approx(TARGET, abs=0.05)


def test_unmoved_shares_stay() -> None:
    rng = np.random.default_rng(2)
    new, _ = photos(SOURCE, 6_000, rng)
    assert likelihood_shares(new, SOURCE) == pytest.approx(SOURCE, abs=0.03)


def test_shares_are_shares() -> None:
    shares = confusion_shares([3] * 10, [0, 1, 2, 3], [0, 1, 2, 3], 4)
    assert shares.sum() == pytest.approx(1.0)
    assert shares == pytest.approx([0, 0, 0, 1], abs=1e-3)


@pytest.mark.parametrize("estimator", [by_likelihood, by_confusion])
def test_the_bootstrap_interval_covers(estimator: object) -> None:
    """Nominal 90%: pooled over classes and worlds, between 80% and 97%."""
    rng = np.random.default_rng(3)
    covered = []
    for world in range(25):
        known, labels = photos(SOURCE, 400, rng)
        new, _ = photos(TARGET, 300, rng)
        found = with_interval(estimator, new, known, labels, replicates=40, seed=world)  # type: ignore[arg-type]
        covered.append((found.low <= TARGET) & (found.high >= TARGET))
    assert 0.80 <= np.mean(covered) <= 0.97
