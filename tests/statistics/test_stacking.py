"""The stacked rise is nearer to the truth than the explanations alone, never far from them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mycovigil_statistics.safety.harm.explanations import Explanations
from mycovigil_statistics.safety.harm.mixture import Known
from mycovigil_statistics.safety.harm.rows import Rows
from mycovigil_statistics.safety.harm.stacking import (
    CENTRE,
    UNIT,
    Stack,
    expected_risk,
    labelled_risk,
)

CENTRES = 1.5 * np.eye(4)
SOURCE = np.array([0.4, 0.3, 0.2, 0.1])
DEADLY = 3
Labels = NDArray[np.int64]


def photos(shares: NDArray[np.float64], rows: int, rng: np.random.Generator) -> tuple[Rows, Labels]:
    labels = rng.choice(4, size=rows, p=shares)
    x = CENTRES[labels] + rng.standard_normal((rows, 4))
    joint = SOURCE * np.exp(x @ CENTRES.T - 0.5 * np.square(CENTRES).sum(axis=1))
    return Rows.of(x, joint / joint.sum(axis=1, keepdims=True)), labels


def powered(rows: Rows, power: float) -> Rows:
    """What a head says of them that is too soft (power below 1) or too sure."""
    said = rows.probabilities**power
    return Rows.of(rows.features, said / said.sum(axis=1, keepdims=True))


def stack_of(night: Rows, known: Rows, labels: Labels) -> Stack:
    reference = Known.of(known.features, known.probabilities, labels)
    explained = Explanations.of(night.features, night.probabilities, reference, DEADLY)
    return Stack.of(night, known, labels, reference, explained)


def test_the_rise_is_nearer_to_the_truth_than_the_explanations_alone() -> None:
    missed = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        shares = SOURCE + (seed % 3) * np.array([-0.05, -0.02, -0.02, 0.09])
        known, labels = photos(SOURCE, 600, rng)
        night, _ = photos(shares, 300, rng)
        later, truth = photos(shares, 20_000, rng)
        rise = labelled_risk(later, truth, DEADLY) - labelled_risk(known, labels, DEADLY)
        stack = stack_of(night, known, labels)
        missed.append([stack.rise - rise, stack.estimates[0] - rise])
    stacked, explained = np.sqrt(np.square(missed).mean(axis=0))
    assert stacked < explained < 0.02


def test_far_from_the_decision_the_correction_is_bounded() -> None:
    circumstances = np.array([0.0, -0.5, 0.8])
    far = [Stack(np.full(4, rise), circumstances).rise - rise for rise in (0.2, 0.4)]
    assert far[0] == pytest.approx(far[1], abs=1e-6)
    assert abs(far[0]) < UNIT


def test_a_night_that_is_the_reference_is_no_error() -> None:
    known, labels = photos(SOURCE, 200, np.random.default_rng(1))
    assert np.isfinite(stack_of(known, known, labels).rise)


def test_a_head_that_is_not_calibrated_is_not_asked_whether_the_count_was_chance() -> None:
    rng = np.random.default_rng(2)
    known, labels = photos(SOURCE, 600, rng)
    night, _ = photos(SOURCE, 300, rng)
    soft, sharp = (powered(known, power) for power in (0.3, 6.0))
    assert stack_of(night, known, labels).estimates[3] != 0
    assert stack_of(night, soft, labels).estimates[3] == 0
    assert stack_of(night, sharp, labels).estimates[3] == 0


def test_the_design_pairs_every_estimate_with_every_circumstance() -> None:
    stack = Stack(np.array([0.01, 0.03, 0.01, 0.01]), np.array([0.5, -0.25, 2.0]))
    table = stack.design.reshape(5, 4)
    assert table[0] == pytest.approx([1, 0.5, -0.25, 2.0])
    assert table[2] == pytest.approx(np.tanh((0.03 - CENTRE) / UNIT) * table[0])
    assert table[[1, 3, 4]] == pytest.approx(0)


def test_risks_with_and_without_labels() -> None:
    rows = Rows.of(np.zeros((4, 2)), [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3]], edible=0)
    assert labelled_risk(rows, np.array([0, 1, 1, 1]), 1) == 0.5
    assert expected_risk(rows, rows.probabilities, 1) == pytest.approx((0.1 + 0.4 + 0.3) / 4)
