"""Which clusters of the reference are new, grown, shrunk or gone tonight, each with an exact p.

The clusters were learned from the half of the reference that is never compared with, so the
held-out half and the night fall into them by the same rule, and Fisher's exact test of each
cluster's share needs no further assumption. Rows beyond nearly everything that the reference
holds are counted once more, in a cell of their own. The p are Holm's (1979): the chance that any
change is named in a calm night is at most `level`.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycovigil_statistics.drift.holm import holm
from mycovigil_statistics.drift.reference import FittedReference
from mycovigil_statistics.sample import FloatArray, Groups, IntArray, canonical_order, validated

Status = Literal["new", "grown", "steady", "shrunk", "gone"]
# The number of the cell of rows that belong to no cluster of the reference.
OUTSIDE = -1
OUTSIDE_SHARE = 0.01
LEAST_ROWS = 30
ROWS_A_CLUSTER = 25
LEAST_CLUSTERS, MOST_CLUSTERS = 4, 32
EXAMPLES = 12
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ClusterChange:
    """One cluster's rows in the held-out reference and tonight.

    `cluster`: a node of the reference's cluster tree, the same every night, or `OUTSIDE`;
    `p_value`: exact and adjusted for all clusters, small if the share changed either way (up, for
    `OUTSIDE`); `examples`: numbers of tonight's rows nearest to its centre, as they were given
    (for `OUTSIDE` the most distant ones).
    """

    cluster: int
    status: Status
    reference_rows: int
    night_rows: int
    reference_share: float
    night_share: float
    p_value: float
    examples: tuple[int, ...]


def cluster_changes(
    fitted: FittedReference,
    features: ArrayLike,
    *,
    groups: Groups = None,
    level: float = 0.05,
) -> tuple[ClusterChange, ...]:
    """All clusters of a night of (m, d) features, the smallest p first.

    A small night is looked at in coarser clusters (25 rows each or more, on average). `groups` as
    for `judge`: shares are of rows, but of each group one row, drawn at random, counts in the test.

    Raises `InsufficientRows` below 30 rows, `DimensionMismatch`, `NotFinite`.
    """
    night = validated(features, groups=groups, least_rows=LEAST_ROWS, least_groups=1)
    fitted.require_comparable(night)
    arrived = canonical_order(np.asarray(features, np.float32))
    whitened = fitted.geometry.whitening.apply(night.features)
    nodes = fitted.geometry.clusters.cut(
        int(np.clip(night.rows // ROWS_A_CLUSTER, LEAST_CLUSTERS, MOST_CLUSTERS))
    )
    calm = _members(_distances(fitted, fitted.pool.features, nodes))
    tonight = _members(_distances(fitted, whitened, nodes))
    generator = np.random.default_rng(fitted.seed)
    one = _one_a_unit(fitted.pool.units, generator)
    other = _one_a_unit(night.units, generator)
    limit = float(np.quantile(calm.distances[one], 1 - OUTSIDE_SHARE, method="higher"))
    numbers = [OUTSIDE, *nodes.tolist()]
    sides = [side.inside(limit, len(nodes)) for side in (calm, tonight)]
    p_values = [
        _p_value(number, calm_cell[one], night_cell[other])
        for number, calm_cell, night_cell in zip(numbers, *sides, strict=True)
    ]
    changes = [
        _change(number, calm_cell, night_cell, float(p_value), level, arrived[examples])
        for number, calm_cell, night_cell, p_value, examples in zip(
            numbers, *sides, holm(p_values), tonight.examples(sides[1]), strict=True
        )
    ]
    return tuple(sorted(changes, key=lambda change: (change.p_value, change.cluster)))


@dataclass(frozen=True, slots=True, eq=False)
class _Members:
    """Of each row the place of its cluster in the cut, and the squared distance to its centre."""

    cluster: IntArray
    distances: FloatArray

    def inside(self, limit: float, clusters: int) -> list[BoolArray]:
        """Rows in each cell, a mask a cell: outside first, then the clusters."""
        return [self.distances > limit, *(self.cluster == place for place in range(clusters))]

    def examples(self, cells: list[BoolArray]) -> list[IntArray]:
        """The most distant rows outside, the nearest rows of each cluster."""
        keys = [-self.distances, *[self.distances] * (len(cells) - 1)]
        found = []
        for key, cell in zip(keys, cells, strict=True):
            rows = np.flatnonzero(cell)
            found.append(rows[np.argsort(key[rows], kind="stable")[:EXAMPLES]])
        return found


def _distances(fitted: FittedReference, whitened: FloatArray, nodes: IntArray) -> FloatArray:
    """(n, nodes) squared half-whitened distances to the nearest centre below each node."""
    geometry = fitted.geometry
    to_leaves = geometry.clusters.squared_distances(geometry.whitening.halve(whitened))
    below = [geometry.clusters.tree[node] > 0 for node in nodes]
    return np.stack([to_leaves[:, leaves].min(axis=1) for leaves in below], axis=1)


def _members(distances: FloatArray) -> _Members:
    return _Members(distances.argmin(axis=1), distances.min(axis=1))


def _one_a_unit(units: IntArray, generator: np.random.Generator) -> IntArray:
    """A random row of each unit. Rows lie sorted by their features, so that the first row of a
    unit of several would not be distributed like a unit's only row."""
    shuffled = generator.permutation(len(units))
    return shuffled[np.unique(units[shuffled], return_index=True)[1]]


def _p_value(number: int, calm: BoolArray, tonight: BoolArray) -> float:
    """Fisher's exact test that the cell's share is the same; `_beyond` for those outside."""
    from scipy.stats import fisher_exact

    before, after = int(calm.sum()), int(tonight.sum())
    if number == OUTSIDE:
        return _beyond(after, before, len(tonight), len(calm))
    table = [[after, len(tonight) - after], [before, len(calm) - before]]
    return float(fisher_exact(table).pvalue)


def _beyond(night: int, pool: int, night_rows: int, pool_rows: int) -> float:
    """P(at least so many of the night's rows beyond the pool's largest but `pool`), exactly.

    At least j night rows lie beyond that pool row if and only if at least j of the j + `pool`
    most distant rows of both are the night's.
    """
    from scipy.stats import hypergeom

    drawn = night + pool
    return float(hypergeom.sf(night - 1, night_rows + pool_rows, night_rows, drawn))


def _change(
    number: int,
    calm: BoolArray,
    tonight: BoolArray,
    p_value: float,
    level: float,
    examples: IntArray,
) -> ClusterChange:
    before, after = int(calm.sum()), int(tonight.sum())
    shares = before / len(calm), after / len(tonight)
    status: Status = "steady"
    if p_value <= level and shares[1] > shares[0]:
        status = "new" if number == OUTSIDE or not before else "grown"
    elif p_value <= level:
        status = "shrunk" if after else "gone"
    return ClusterChange(number, status, before, after, *shares, p_value, tuple(examples.tolist()))
