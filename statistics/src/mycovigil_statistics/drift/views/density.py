"""Where the reference's rows lie: clusters with their Ward tree, and random Fourier features."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mycovigil_statistics.sample import FloatArray, IntArray

FREQUENCIES = 64
FOURIER_AXES = 64
MOST_CLUSTERS = 32
LEAST_CLUSTERS = 6


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """`centres` (k, d); `tree` (2k-1, k), the leaves below each node, leaves first, root last.

    The first k + j nodes of the tree exist once j merges were made, so cutting it to any number
    of clusters needs nothing else.
    """

    centres: FloatArray
    tree: FloatArray

    def squared_distances(self, rows: FloatArray) -> FloatArray:
        """(n, k) squared Euclidean distances to the centres."""
        cross = rows @ self.centres.T
        lengths = np.square(rows).sum(axis=1)[:, None] + np.square(self.centres).sum(axis=1)
        return np.asarray(np.maximum(lengths - 2 * cross, 0))

    def cut(self, count: int) -> IntArray:
        """Numbers of the tree's nodes that are the clusters when it is cut to `count` clusters."""
        k = len(self.centres)
        built = self.tree[: 2 * k - min(count, k)]
        covered = np.zeros(k, bool)
        nodes = []
        for node in range(len(built) - 1, -1, -1):
            leaves = built[node] > 0
            if not covered[leaves].any():
                nodes.append(node)
                covered |= leaves
        return np.array(nodes[::-1], np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Fourier:
    """Random features of the Gaussian kernel (Rahimi and Recht, 2007): `frequencies` (a, 64)."""

    frequencies: FloatArray

    def apply(self, rows: FloatArray) -> FloatArray:
        """(n, 128) cosines and sines; their mean differences square-sum to the kernel's MMD²."""
        angles = rows[:, : len(self.frequencies)] @ self.frequencies
        return np.hstack([np.cos(angles), np.sin(angles)]) / np.float32(np.sqrt(FREQUENCIES))


def fit_clusters(rows: FloatArray, seed: int) -> Clusters:
    """k-means with clip(n / 60, 6, 32) clusters, and Ward's tree over the centres."""
    from scipy.cluster.hierarchy import linkage
    from sklearn.cluster import KMeans

    k = int(np.clip(len(rows) // 60, LEAST_CLUSTERS, MOST_CLUSTERS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fewer distinct rows than clusters: some stay empty
        model = KMeans(k, n_init=1, max_iter=30, random_state=seed).fit(rows)
    centres = np.asarray(model.cluster_centers_, np.float32)
    return Clusters(centres, _tree(linkage(centres.astype(np.float64), "ward")))


def fit_fourier(rows: FloatArray, generator: np.random.Generator) -> Fourier:
    """Frequencies for a Gaussian kernel whose width is the median distance between rows."""
    rows = rows[:, :FOURIER_AXES]
    left, right = generator.integers(0, len(rows), (2, 2_000))
    width = float(np.median(np.linalg.norm(rows[left] - rows[right], axis=1)))
    shape = (rows.shape[1], FREQUENCIES)
    drawn = generator.standard_normal(shape, dtype=np.float32)
    return Fourier(drawn / np.float32(width or 1.0))


def _tree(merges: NDArray[np.float64]) -> FloatArray:
    leaves = np.eye(len(merges) + 1, dtype=np.float32)
    nodes = list(leaves)
    for left, right in merges[:, :2].astype(int):
        nodes.append(nodes[left] + nodes[right])
    return np.array(nodes, np.float32)
