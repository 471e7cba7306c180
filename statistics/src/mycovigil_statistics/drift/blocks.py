"""Equal blocks of independent units: what a permutation may move.

Rows of one unit (a client's session, a specimen) are averaged, so that a unit counts once however
often it was photographed. Units are shuffled into blocks of `size`, so that the cost of a
permutation does not grow with the number of rows; a few left-over units are dropped.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mycovigil_statistics.sample import FloatArray, IntArray

ROWS_AT_ONCE = 4_096
LEAST_BLOCKS = 100


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """`rows`: row numbers, block after block; `weights`: of each such row; `starts`: of blocks."""

    rows: IntArray
    weights: FloatArray
    starts: IntArray
    size: int

    @property
    def count(self) -> int:
        return len(self.starts)

    def chunks(self) -> Iterator["Blocks"]:
        """Runs of whole blocks of some thousand rows, for bounded memory."""
        ends = np.append(self.starts[1:], len(self.rows))
        first = 0
        while first < self.count:
            limit = self.starts[first] + ROWS_AT_ONCE
            last = max(first + 1, int(np.searchsorted(ends, limit, side="right")))
            low, high = int(self.starts[first]), int(ends[last - 1])
            starts = self.starts[first:last] - low
            yield Blocks(self.rows[low:high], self.weights[low:high], starts, self.size)
            first = last

    def means(self, values: FloatArray) -> FloatArray:
        """(blocks, f) means over units, of the values (rows, f) of this object's rows."""
        weighted = values * self.weights[:, None]
        return np.add.reduceat(weighted, self.starts, axis=0) / np.float32(self.size)


def block_size(night_units: int, pool_units: int) -> int:
    """Units a block: at least 100 blocks on the smaller side, where there are so many units."""
    return max(1, min(night_units, pool_units) // LEAST_BLOCKS)


def blocks_of(units: IntArray, size: int, generator: np.random.Generator) -> Blocks:
    """Shuffle the units (numbered from 0, one number a row) into blocks."""
    count = int(units.max()) + 1
    position = generator.permutation(count)[units]
    kept = count - count % size
    rows = np.argsort(position, kind="stable")
    rows = rows[: np.searchsorted(position[rows], kept)]
    starts = np.searchsorted(position[rows], np.arange(0, kept, size))
    weights = 1 / np.bincount(units)[units[rows]]
    return Blocks(rows, weights.astype(np.float32), starts.astype(np.int64), size)
