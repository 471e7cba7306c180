"""Splits by specimen: photos of one specimen or burst never stand on two sides."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mycovigil_training.configuration import SplitConfig

PARTS = ("train", "validation", "calibration", "holdout")


@dataclass(frozen=True, slots=True)
class Split:
    """Sorted row numbers. ``validation`` stops the training and fits the calibration;
    ``calibration`` is seen by the thresholds only, ``holdout`` by the final figures only."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    calibration: NDArray[np.int64]
    holdout: NDArray[np.int64]


def split(
    labels: NDArray[np.int64],
    species: NDArray[np.str_],
    groups: NDArray[np.str_],
    config: SplitConfig,
    *,
    seed: int,
    pinned: Iterable[int] = (),
) -> Split:
    """Deal whole groups out, class by class, so that each part gets its share of every class.

    The first group of a species goes to training: a species that has one specimen only is
    trained on and never judged. Rows ``pinned`` (another model was trained on them) pull their
    groups into training.
    """
    judged = (config.validation, config.calibration, config.holdout)
    shares = np.array([1 - sum(judged), *judged])
    held = {groups[row] for row in pinned}
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, group in enumerate(groups):
        rows_of[str(group)].append(row)
    names = sorted(rows_of)
    np.random.default_rng(seed).shuffle(names)
    counts: dict[int, NDArray[np.float64]] = defaultdict(lambda: np.zeros(len(PARTS)))
    trained_species: set[str] = set()
    parts: list[list[int]] = [[] for _ in PARTS]
    for name in sorted(names, key=lambda name: name not in held):
        rows = rows_of[name]
        kind, label = str(species[rows[0]]), int(labels[rows[0]])
        part = _part(counts[label], shares, len(rows))
        if name in held or (kind and kind not in trained_species):
            part = 0
            trained_species.add(kind)
        counts[label][part] += len(rows)
        parts[part] += rows
    return Split(*(np.sort(np.asarray(rows, dtype=np.int64)) for rows in parts))


def united(groups: NDArray[np.str_], photos: NDArray[np.str_]) -> NDArray[np.str_]:
    """(N,) groups, made one wherever they share a photo (its sha256), directly or by others.

    A photo of the collection that somebody sent back, or that two sessions sent, is one photo:
    its rows must not be split between two parts of a split, nor count as several specimens.
    """
    names, group = np.unique(groups, return_inverse=True)
    seen, photo = np.unique(photos, return_inverse=True)
    nodes = len(names) + len(seen)
    links = coo_array((np.ones(len(groups)), (group, len(names) + photo)), shape=(nodes, nodes))
    _, component = connected_components(links, directed=False)
    _, first, whole = np.unique(component[group], return_index=True, return_inverse=True)
    return np.asarray(groups[first][whole], dtype=np.str_)


def _part(counts: NDArray[np.float64], shares: NDArray[np.float64], rows: int) -> int:
    """The part that lacks most of its share."""
    wanted = shares * (counts.sum() + rows)
    return int(np.argmax((wanted - counts) / shares))
