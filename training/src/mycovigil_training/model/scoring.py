"""A trained model in arrays: the candidate bundle, and probabilities of any bundle."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycovigil.models.advice import decide_many
from mycovigil.models.bundle import Bundle, Thresholds
from mycovigil_statistics.safety.novelty import mean_distance

SMALLEST = 1e-12


@dataclass(frozen=True, slots=True)
class Answers:
    """A model's answers to N photos."""

    probabilities: NDArray[np.float64]
    distances: NDArray[np.float64]
    verdicts: NDArray[np.str_]

    @property
    def predicted(self) -> NDArray[np.int64]:
        return np.asarray(self.probabilities.argmax(axis=1))


def probabilities(bundle: Bundle, features: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N, 4) calibrated probabilities of (N, D) unit features; never below what Postgres' real
    can hold."""
    return np.maximum(bundle.probabilities(features), SMALLEST)


def distances(bundle: Bundle, features: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N,) novelty distances."""
    return mean_distance(features, bundle.anchors, bundle.meta.neighbours)


def answers(bundle: Bundle, features: NDArray[np.float32]) -> Answers:
    """Probabilities, distances and verdicts, as serving would give them."""
    thresholds: Thresholds = bundle.meta.thresholds
    chances, far = probabilities(bundle, features), distances(bundle, features)
    non_mushroom = bundle.non_mushroom_scores(features)
    return Answers(chances, far, decide_many(chances, far, non_mushroom, thresholds))


def plain(value: Any) -> Any:
    """The value with NaN and infinities replaced by None, which JSON can hold."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
