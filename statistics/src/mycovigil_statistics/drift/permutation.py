"""Random relabellings of equal blocks, the observed labelling among them."""

from collections.abc import Iterator

import numpy as np

from mycovigil_statistics.sample import FloatArray

CHUNK = 1_000


def labellings(
    night: int, blocks: int, permutations: int, generator: np.random.Generator
) -> Iterator[FloatArray]:
    """Yield (c, blocks) matrices of 0 and 1, a relabelling a row, `permutations` + 1 in all.

    The first row is the observed labelling: the night's blocks come first. Every row has
    `night` ones, so a block's chance of being called night is the same everywhere.
    """
    remaining = permutations + 1
    first = True
    while remaining:
        rows = min(CHUNK, remaining)
        keys = generator.random((rows, blocks), dtype=np.float32)
        if first:
            keys[0] = np.arange(blocks)
            first = False
        chosen = np.argpartition(keys, night - 1, axis=1)[:, :night]
        labels = np.zeros((rows, blocks), np.float32)
        np.put_along_axis(labels, chosen, 1, axis=1)
        yield labels
        remaining -= rows
