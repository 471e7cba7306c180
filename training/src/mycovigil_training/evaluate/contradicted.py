"""Photos whose class the others contradict: confident learning on out-of-fold probabilities."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mycovigil.models.safety import CLASSES
from mycovigil_training.configuration import TrainConfig
from mycovigil_training.dataset.label_issues import LabelIssue
from mycovigil_training.evaluate.evaluation import out_of_fold, read_photos
from mycovigil_training.evaluate.recipes import probe
from mycovigil_training.features.engine import Engine


def find_issues(folder: Path, encoder: str, config: TrainConfig) -> list[LabelIssue]:
    """The photos that look most like another class, the least likely first.

    By cleanlab (Northcutt, Jiang, Chuang 2021, "Confident Learning", JAIR 70:1373-1411), from
    5-fold probabilities over specimens.

    Raises:
        NotCurated: another kind of folder.
        TooFewGroups: a class has photos of one specimen only.
    """
    from cleanlab.filter import find_label_issues

    photos = read_photos(folder, Engine(encoder), config)
    rows = photos.rows
    probabilities = out_of_fold(photos, probe, rows.groups, config, "specimens")
    present, labels = np.unique(rows.labels, return_inverse=True)
    found: NDArray[np.int64] = find_label_issues(
        labels,
        probabilities[:, present],
        return_indices_ranked_by="self_confidence",
        n_jobs=1,
    )
    return [
        LabelIssue(
            photos.listed[row].path,
            photos.listed[row].species,
            photos.listed[row].safety_class,
            CLASSES[int(probabilities[row].argmax())].value,
            round(float(probabilities[row, rows.labels[row]]), 4),
        )
        for row in found.tolist()
    ]
