"""The poison-weighted cost of FungiCLEF's second track, of decisions and of probabilities."""

import numpy as np
from numpy.typing import NDArray

from mycovigil.models.safety import CLASSES, SafetyClass

POISONOUS_AS_EDIBLE = 100.0
EDIBLE_AS_POISONOUS = 1.0
POISONOUS = np.isin(CLASSES, [SafetyClass.POISONOUS, SafetyClass.DEADLY])


def cost_matrix() -> NDArray[np.float64]:
    """``(4, 4)``: cost of answering the column for the row."""
    truth, answer = POISONOUS[:, None], POISONOUS[None, :]
    return np.asarray(
        POISONOUS_AS_EDIBLE * (truth & ~answer) + EDIBLE_AS_POISONOUS * (~truth & answer),
        dtype=np.float64,
    )


def expected_cost(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Mean cost if each answer were drawn with the ``(N, 4)`` probabilities: unlike the cost of
    the likeliest answers it moves with every step, which early stopping needs."""
    return float((cost_matrix()[labels] * probabilities).sum(axis=1).mean())


def decision_cost(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Mean cost of the likeliest answers."""
    return float(cost_matrix()[labels, probabilities.argmax(axis=1)].mean())
