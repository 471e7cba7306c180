"""Fit a head that is stopped by some specimens of its own rows."""

import numpy as np
from numpy.typing import NDArray

from mycovigil_training.configuration import TrainConfig
from mycovigil_training.head.fitting import Head, fit

# One specimen in so many stops the training.
EVERY = 5


def fit_stopped(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    groups: NDArray[np.str_],
    config: TrainConfig,
) -> tuple[Head, NDArray[np.bool_]]:
    """The head, and which rows (n,) stopped it and taught it nothing: all, where too few specimens
    are there to spare any.

    Raises:
        TooFewPhotos: a class has no row.
    """
    names, group = np.unique(groups, return_inverse=True)
    held = (np.random.default_rng(config.seed).permutation(len(names)) % EVERY == 0)[group]
    held &= np.isin(labels, labels[~held])
    stop = held if held.any() else np.ones(len(labels), np.bool_)
    learn = ~held
    head = fit(
        features[learn],
        labels[learn],
        (features[stop], labels[stop]),
        config.head,
        seed=config.seed,
    )
    return head, stop
