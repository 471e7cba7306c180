"""Novelty: distances, a threshold that keeps its share, and anchors."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mycovigil_statistics.safety.conformal import NotCertifiable
from mycovigil_statistics.safety.novelty import (
    k_centre_anchors,
    mean_distance,
    random_anchors,
    separating_distance,
    threshold,
)


def unit(rows: int, seed: int, dimension: int = 8) -> NDArray[np.float64]:
    points = np.random.default_rng(seed).normal(size=(rows, dimension))
    return np.asarray(points / np.linalg.norm(points, axis=1, keepdims=True))


def test_distance_is_the_mean_over_the_nearest() -> None:
    features, anchors = unit(30, 1), unit(50, 2)
    slow = np.sort(1 - features @ anchors.T, axis=1)[:, :5].mean(axis=1)
    assert mean_distance(features, anchors, 5) == pytest.approx(slow)
    assert mean_distance(features, features, 1) == pytest.approx(np.zeros(30), abs=1e-12)


def test_fewer_anchors_than_neighbours() -> None:
    assert mean_distance(unit(3, 1), unit(2, 2), 5).shape == (3,)
    with pytest.raises(ValueError, match="anchors"):
        mean_distance(unit(3, 1), np.empty((0, 8)), 5)


@pytest.mark.parametrize(("rows", "share"), [(99, 0.01), (200, 0.05)])
def test_the_threshold_keeps_its_share(rows: int, share: float) -> None:
    rng = np.random.default_rng(rows)
    worlds = 3_000
    drawn = rng.gamma(3.0, size=(worlds, rows + 1))
    above = np.mean([row[-1] > threshold(row[:-1], share) for row in drawn])
    assert above <= share + 3 * np.sqrt(share * (1 - share) / worlds)


def test_a_threshold_needs_enough_photos() -> None:
    with pytest.raises(NotCertifiable):
        threshold(np.arange(98.0), 0.01)
    assert threshold(np.arange(99.0), 0.01) == 98.0


def test_the_separating_distance_lies_between() -> None:
    rng = np.random.default_rng(4)
    cut = separating_distance(rng.normal(0.2, 0.02, 300), rng.normal(0.5, 0.05, 80))
    assert 0.25 < cut < 0.45


def test_k_centre_keeps_a_rare_kind_that_chance_would_lose() -> None:
    common, rare = np.tile([1.0, 0, 0, 0], (500, 1)), np.array([[0, 0, 0, 1.0]])
    common[:, 1] += np.random.default_rng(1).normal(0, 0.01, 500)
    features = np.concatenate([common, rare])
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    assert 500 in k_centre_anchors(features, 3, seed=2)
    assert len(set(k_centre_anchors(features, 20, seed=2).tolist())) == 20


def test_random_anchors_are_distinct_and_seeded() -> None:
    first = random_anchors(20, 100, seed=1)
    assert len(set(first.tolist())) == 20
    assert first.tolist() == random_anchors(20, 100, seed=1).tolist()
    assert random_anchors(20, 5, seed=1).tolist() == [0, 1, 2, 3, 4]
