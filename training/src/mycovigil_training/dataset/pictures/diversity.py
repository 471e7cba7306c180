"""Choose photos that differ most, where a class has more than are wanted."""

import numpy as np
from numpy.typing import NDArray


def most_diverse(features: NDArray[np.float32], keep: int) -> NDArray[np.int64]:
    """``keep`` rows that cover all rows best, sorted: greedy k-centre.

    Each row that is chosen is the one farthest from those chosen before, the first the farthest
    from the mean; no other set of as many has less than half its greatest distance (Gonzalez 1985,
    Theoretical Computer Science 38:293-306).

    Args:
        features: (n, d) unit rows.
        keep: at least 1.
    """
    if keep >= len(features):
        return np.arange(len(features), dtype=np.int64)
    nearest = np.full(len(features), np.inf, np.float32)
    chosen = int(np.argmin(features @ features.mean(axis=0)))
    found = []
    for _ in range(keep):
        found.append(chosen)
        np.minimum(nearest, 1 - features @ features[chosen], out=nearest)
        nearest[found] = -np.inf
        chosen = int(nearest.argmax())
    return np.sort(np.asarray(found, np.int64))
