"""Temperature and vector scaling undo what was done to true probabilities."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mycovigil_statistics.safety.calibration import (
    balanced_weights,
    bias_corrected_scaling,
    class_calibration_error,
    expected_calibration_error,
    log_loss,
    softmax,
    temperature_scaling,
    vector_scaling,
)

CLASSES = 4


def truth(rows: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Logits of true probabilities, and labels drawn from them."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (rows, CLASSES))
    cumulated = softmax(logits).cumsum(axis=1)
    labels = (rng.random((rows, 1)) > cumulated).sum(axis=1).clip(max=CLASSES - 1)
    return logits, labels


@pytest.mark.parametrize("temperature", [0.3, 3.0])
def test_temperature_is_recovered(temperature: float) -> None:
    logits, labels = truth(8_000, 1)
    scaling = temperature_scaling(logits * temperature, labels)
    assert scaling.scale == pytest.approx(np.full(CLASSES, 1 / temperature), rel=0.06)
    assert (scaling.offset == 0).all()


def test_vector_scaling_recovers_offsets_that_a_temperature_cannot() -> None:
    logits, labels = truth(8_000, 2)
    skewed = (logits + np.array([0, 0, 0, 1.5])) * 2.0
    plain = temperature_scaling(skewed, labels).probabilities(skewed)
    scaled = vector_scaling(skewed, labels, shrinkage=1e-4).probabilities(skewed)
    assert log_loss(scaled, labels) < log_loss(plain, labels) - 0.02
    assert class_calibration_error(scaled, labels, 3) < 0.02


def test_few_photos_hardly_move_the_scaling() -> None:
    logits, labels = truth(8, 3)
    scaling = vector_scaling(logits, labels, shrinkage=10.0)
    assert scaling.scale == pytest.approx(temperature_scaling(logits, labels).scale, rel=0.05)
    assert np.abs(scaling.offset).max() < 0.05


def test_true_probabilities_have_a_small_calibration_error() -> None:
    logits, labels = truth(20_000, 4)
    assert expected_calibration_error(softmax(logits), labels) < 0.015
    assert expected_calibration_error(softmax(3 * logits), labels) > 0.08


def test_class_weights_change_what_counts() -> None:
    labels = np.array([0] * 90 + [3] * 10)
    sure_of_the_common_class = np.tile([1.0, 0, 0, 0], (100, 1))
    weights = balanced_weights(labels, CLASSES)
    assert expected_calibration_error(sure_of_the_common_class, labels) == pytest.approx(0.1)
    assert expected_calibration_error(sure_of_the_common_class, labels, weights) == pytest.approx(
        0.5
    )


def test_inverse_root_weights() -> None:
    weights = balanced_weights([0] * 16 + [1], CLASSES, power=0.5)
    assert weights[-1] / weights[0] == pytest.approx(4.0)
    assert weights.mean() == pytest.approx(1.0)


def test_softmax_does_not_overflow() -> None:
    assert softmax([1_000.0, 0.0]).tolist() == [1.0, 0.0]


def test_no_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="N > 0"):
        log_loss(np.empty((0, CLASSES)), [])


def test_few_photos_all_right_do_not_make_certain() -> None:
    labels = np.arange(32) % CLASSES
    separable = 10.0 * np.eye(CLASSES)[labels]
    for scaling in (temperature_scaling(separable, labels), vector_scaling(separable, labels)):
        confidence = scaling.probabilities(separable).max(axis=1)
        assert 0.85 < confidence.min() < 0.95


def test_bias_and_temperature_are_undone_together() -> None:
    logits, labels = truth(20_000, 5)
    offset = np.array([1.0, 0.0, -1.0, 0.5])
    found = bias_corrected_scaling(2.0 * logits - 2.0 * offset, labels)
    assert found.scale == pytest.approx([0.5] * CLASSES, rel=0.05)
    assert found.offset - found.offset.mean() == pytest.approx(offset - offset.mean(), abs=0.08)
