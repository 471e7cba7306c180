"""Logits of every learning row by a head that saw no photo of its specimen.

A head's own rows flatter it; the validation rows alone are a fifth of the deadly photos. As in
scikit-learn's CalibratedClassifierCV(ensemble=False): one head answers, others say how sure it is.
"""

import numpy as np
from numpy.typing import NDArray

from mycovigil.models.safety import CLASSES
from mycovigil_training.configuration import TrainConfig
from mycovigil_training.evaluate.folds import TooFewGroups, grouped
from mycovigil_training.head.fitting import fit


def cross_fitted(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    species: NDArray[np.str_],
    groups: NDArray[np.str_],
    config: TrainConfig,
) -> NDArray[np.float64] | None:
    """(n, 4) logits in folds over specimens ``groups`` (n,); None where a class has too few."""
    logits = np.full((len(labels), len(CLASSES)), np.nan)
    try:
        for own, others in grouped(labels, groups, seed=config.seed, what="specimens"):
            head = fit(
                features[own], labels[own], species[own], None, config.head, seed=config.seed
            )
            logits[others] = head.logits(features[others])
    except TooFewGroups:
        return None
    return logits
