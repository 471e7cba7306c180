"""How unusual a row is, in eight ways, and where its score ranks among all rows."""

import numpy as np

from mycovigil_statistics.drift.views.density import Clusters
from mycovigil_statistics.drift.views.whitening import Whitening
from mycovigil_statistics.sample import FloatArray

TOP_SHARES = (0.10, 0.05, 0.01)
STRANGE_SHARE = 0.02


def row_scores(whitening: Whitening, clusters: Clusters, whitened: FloatArray) -> FloatArray:
    """(n, 4 + spans): Mahalanobis, nearest centre, half-whitened, Euclidean, and by span."""
    squares = np.square(whitened)
    half = whitening.halve(whitened)
    columns = [
        squares.sum(axis=1),
        clusters.squared_distances(half).min(axis=1),
        np.square(half).sum(axis=1),
        squares @ whitening.variances,
        *(squares[:, span].sum(axis=1) for span in whitening.spans),
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def rank_features(values: FloatArray) -> FloatArray:
    """Mid-ranks in [-.5, .5] of each column of pooled (n, s) values, NaN in the middle."""
    return np.stack([_centred_ranks(column) for column in values.T], axis=1)


def tail_features(ranks: FloatArray) -> FloatArray:
    """(n, 3 s) indicators of the top 10, 5 and 1% of each column of ranks."""
    return np.hstack([(ranks > 0.5 - share).astype(np.float32) for share in TOP_SHARES])


def strangeness(ranks: FloatArray) -> FloatArray:
    """(n, s) reciprocals of the share of rows above each, 2% more: at most 50, middling near 2.

    Near the likelihood ratio of a mixture in which a few rows come from the upper tail, hence
    near the most powerful of rank tests for it (Hajek and Sidak, 1967, Theory of Rank Tests).
    """
    return np.asarray(1 / (0.5 + STRANGE_SHARE - ranks), np.float32)


def _centred_ranks(column: FloatArray) -> FloatArray:
    from scipy.stats import rankdata

    known = np.isfinite(column)
    ranks = np.zeros(len(column), np.float32)
    if known.any():
        ranks[known] = (rankdata(column[known]) - 0.5) / known.sum() - 0.5
    return ranks
