"""FungiCLEF's costs of confusing what is poisonous with what is edible.

Track 2 of the challenge (https://www.imageclef.org/FungiCLEF2023): 100 for each poisonous mushroom
called edible, 1 for each edible one called poisonous, over all photos; the combined track adds the
share of wrong answers. There "unknown" counts as edible; here "cannot tell" is no class, and these
costs are of the answers to all photos.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mycovigil_training.model.evaluation import HARMFUL

POISONOUS_CALLED_EDIBLE, EDIBLE_CALLED_POISONOUS = 100.0, 1.0


@dataclass(frozen=True, slots=True)
class PoisonCost:
    """``track_2`` a photo, ``combined`` with the share of wrong classes; ``careful`` is track 2 of
    the answers that make it least by the probabilities alone: poisonous, from 1 in 101 on."""

    track_2: float
    combined: float
    careful: float


def poison_cost(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> PoisonCost:
    """Of (n, 4) probabilities and (n,) true classes."""
    harmful = np.isin(labels, HARMFUL)
    predicted = probabilities.argmax(axis=1)
    track_2 = _cost(np.isin(predicted, HARMFUL), harmful)
    threshold = EDIBLE_CALLED_POISONOUS / (POISONOUS_CALLED_EDIBLE + EDIBLE_CALLED_POISONOUS)
    careful = probabilities[:, list(HARMFUL)].sum(axis=1) >= threshold
    return PoisonCost(
        track_2, track_2 + float((predicted != labels).mean()), _cost(careful, harmful)
    )


def _cost(called: NDArray[np.bool_], harmful: NDArray[np.bool_]) -> float:
    costs = np.where(harmful, POISONOUS_CALLED_EDIBLE, EDIBLE_CALLED_POISONOUS)
    return float((costs * (called != harmful)).mean())
