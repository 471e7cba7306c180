"""Folds in which no specimen, or no species, stands on two sides."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

FOLDS = 5

Fold = tuple[NDArray[np.int64], NDArray[np.int64]]


class TooFewGroups(ValueError):
    """A class has too few specimens or species to stand on both sides."""


def grouped(
    labels: NDArray[np.int64], groups: NDArray[np.str_], *, seed: int, what: str
) -> Iterator[Fold]:
    """Rows to learn from and rows to judge on, :data:`FOLDS` times; each row is judged once.

    Raises:
        TooFewGroups: a class has fewer than two ``what`` (specimens, species).
    """
    counts = {int(label): len(np.unique(groups[labels == label])) for label in np.unique(labels)}
    if len(counts) < 2 or min(counts.values()) < 2:
        raise TooFewGroups(
            f"every class needs photos of two {what} at least, and two classes are needed"
        )
    folds = StratifiedGroupKFold(min(FOLDS, *counts.values()), shuffle=True, random_state=seed)
    for learned, judged in folds.split(labels, labels, groups):
        yield learned.astype(np.int64), judged.astype(np.int64)
