"""Scores and baselines of encoders, on features whose scores are known."""

import numpy as np
import pytest

from mycovigil_training.encoder.evaluate import scores
from mycovigil_training.encoder.evaluate.baselines import BINS, colour_histogram, random_tower
from mycovigil_training.encoder.export.parity import ParityFailure, compare

GENERATOR = np.random.default_rng(5)


def clouds(n: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Two clouds of n rows around two axes, the first three times the second's size."""
    labels = np.repeat(["a", "b"], [3 * n, n])
    centre = np.where(labels[:, None] == "a", np.eye(8)[0], np.eye(8)[1])
    return (centre + spread * GENERATOR.standard_normal((4 * n, 8))).astype(np.float32), labels


def test_separate_clouds_are_told_apart() -> None:
    reference, labels = clouds(60, 0.1)
    query, truth = clouds(60, 0.1)
    assert scores.nearest_accuracy(reference, labels, query, truth) == 1.0
    assert scores.nearest_balanced_accuracy(reference, labels, query, truth) == 1.0
    assert scores.linear_macro_recall(reference, labels, query, truth) == 1.0
    a, b = query[truth == "a"], query[truth == "b"]
    assert scores.detection_auroc(reference[labels == "a"], reference[labels == "b"], a, b) == 1.0


def test_noise_scores_like_chance() -> None:
    rows = GENERATOR.standard_normal((1200, 8)).astype(np.float32)
    labels = np.tile(["a", "b"], 600)
    # 600 queries a side of a coin: four binomial standard deviations
    bound = 4 * (0.25 / 600) ** 0.5
    score = scores.nearest_balanced_accuracy(rows[:600], labels[:600], rows[600:], labels[600:])
    assert abs(score - 0.5) < bound
    halves = [rows[start : start + 300] for start in range(0, 1200, 300)]
    assert abs(scores.detection_auroc(*halves) - 0.5) < bound


def test_balanced_votes_lift_the_rare_class() -> None:
    reference, labels = clouds(60, 0.9)
    query, truth = clouds(60, 0.9)
    plain = scores.nearest_labels(reference, labels, query, balanced=False)
    balanced = scores.nearest_labels(reference, labels, query, balanced=True)
    rare = truth == "b"
    assert (balanced[rare] == "b").mean() > (plain[rare] == "b").mean()


def test_histogram_counts_colours() -> None:
    red = np.zeros((1, 4, 4, 3), dtype=np.uint8)
    red[..., 0] = 255
    features = colour_histogram(red)
    assert features.shape == (1, BINS**3)
    assert features[0, (BINS - 1) * BINS * BINS] == 1.0
    assert (features**2).sum() == pytest.approx(1.0)


def test_random_tower_is_the_same_every_time() -> None:
    pixels = GENERATOR.integers(0, 256, (2, 96, 96, 3), dtype=np.uint8)
    first = random_tower(pixels)
    assert (first == random_tower(pixels)).all()
    assert np.linalg.norm(first, axis=1) == pytest.approx(np.ones(2), abs=1e-5)


def test_parity_bounds_the_worst_photo() -> None:
    reference = GENERATOR.standard_normal((20, 8)).astype(np.float32)
    near = reference.copy()
    near[3] += 0.5
    agreed = compare(reference, reference, bound=0.999)
    assert agreed.cosine_min == pytest.approx(1.0)
    assert agreed.centred_cosine_min == pytest.approx(1.0)
    with pytest.raises(ParityFailure, match="below the bound"):
        compare(reference, near, bound=0.999)
    with pytest.raises(ParityFailure):
        compare(reference, np.full_like(reference, np.nan), bound=0.0)
