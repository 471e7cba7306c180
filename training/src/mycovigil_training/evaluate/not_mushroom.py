"""Photos without a mushroom beside photos of mushrooms: how well scores tell them apart."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold

from mycovigil_statistics.safety.novelty import mean_distance
from mycovigil_training.configuration import TrainConfig
from mycovigil_training.encoder.evaluate.scores import linear_probe
from mycovigil_training.evaluate.folds import FOLDS
from mycovigil_training.evaluate.recipes import Rows

FEWEST = 20


def not_mushroom(
    rows: Rows, foreign: NDArray[np.float32], config: TrainConfig
) -> dict[str, Any] | None:
    """Areas under the ROC curve, out of fold by specimen; None for fewer than 20 ``foreign``.

    ``probe`` is a balanced logistic model that has seen other photos without a mushroom,
    ``distance`` the mean distance to the nearest photos of mushrooms, which needs none.
    """
    if min(len(foreign), len(rows)) < FEWEST:
        return None
    features = np.concatenate([rows.features, foreign])
    truth = np.repeat([0, 1], [len(rows), len(foreign)])
    groups = np.concatenate([rows.groups, [f"foreign {one}" for one in range(len(foreign))]])
    probe, distance = np.zeros(len(truth)), np.zeros(len(truth))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=config.seed)
    for learned, judged in folds.split(features, truth, groups):
        model = linear_probe().fit(features[learned], truth[learned])
        probe[judged] = model.decision_function(features[judged])
        mushrooms = features[learned][truth[learned] == 0]
        distance[judged] = mean_distance(features[judged], mushrooms, config.safety.neighbours)
    return {
        "photos": len(foreign),
        "probe_auroc": float(roc_auc_score(truth, probe)),
        "distance_auroc": float(roc_auc_score(truth, distance)),
    }
