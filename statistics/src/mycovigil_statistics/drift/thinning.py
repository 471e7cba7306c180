"""Units of the same sizes on both sides, so that their means are exchangeable.

The mean of four photos of a specimen varies less than one photo. Where the reference knows its
specimens and the night's clients name no session, means of units differ in spread without any
drift (measured: up to 46% false alarms at a nominal 5%).
"""

import numpy as np

from mycovigil_statistics.sample import IntArray, Sample


def thinned(first: Sample, second: Sample, generator: np.random.Generator) -> tuple[Sample, Sample]:
    """Both samples with random rows of large units removed; every unit keeps at least one row.

    Units of each sample are ordered by size and matched by rank; a unit keeps as many rows as the
    smaller of the matched two. If all units of one sample have one row, so have those of the other;
    if the sizes have the same distribution, hardly a row is removed.
    """
    sizes = np.bincount(first.units), np.bincount(second.units)
    if max(size.max() for size in sizes) == 1:
        return first, second
    return (
        _cut(first, _at_most(sizes[0], sizes[1], generator), generator),
        _cut(second, _at_most(sizes[1], sizes[0], generator), generator),
    )


def _at_most(own: IntArray, other: IntArray, generator: np.random.Generator) -> IntArray:
    """The size of the other sample's unit of the same rank, for each own unit; ties at random."""
    order = np.lexsort((generator.random(len(own)), own))
    place = np.empty(len(own), np.int64)
    place[order] = np.arange(len(own))
    return np.sort(other)[(place * 2 + 1) * len(other) // (2 * len(own))]


def _cut(sample: Sample, most: IntArray, generator: np.random.Generator) -> Sample:
    """At most so many rows of each unit, chosen at random."""
    order = np.lexsort((generator.random(sample.rows), sample.units))
    units = sample.units[order]
    turn = np.arange(sample.rows) - np.searchsorted(units, units)
    return sample.take(np.sort(order[turn < most[units]]))
