"""Logits of every learning row by a head that saw no photo of its specimen.

A head's own rows flatter it; the validation rows alone are a fifth of the deadly photos. As in
scikit-learn's CalibratedClassifierCV(ensemble=False): one head answers, others say how sure it is.
"""

import numpy as np
from numpy.typing import NDArray

from mycovigil.models.safety import CLASSES
from mycovigil_training.configuration import TrainConfig
from mycovigil_training.evaluate.folds import TooFewGroups, grouped
from mycovigil_training.features.table import FeatureTable
from mycovigil_training.head.fitting import TooFewPhotos
from mycovigil_training.head.stopping import fit_stopped


def cross_fitted(
    rows: FeatureTable, config: TrainConfig
) -> tuple[NDArray[np.float64], NDArray[np.int64]] | None:
    """(n, 4) logits and (n,) labels, in folds over specimens; None where a class has too few."""
    logits = np.full((len(rows), len(CLASSES)), np.nan)
    try:
        for learned, judged in grouped(
            rows.labels, rows.groups, seed=config.seed, what="specimens"
        ):
            own, others = rows.take(learned), rows.take(judged)
            head, _ = fit_stopped(own.features, own.labels, own.groups, config)
            logits[judged] = head.logits(others.features)
    except (TooFewGroups, TooFewPhotos):
        return None
    return logits, rows.labels
