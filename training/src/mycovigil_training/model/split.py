"""Parts of a table: the holdout side, and the training side dealt into three by hash.

Photos of one specimen or burst never stand in two parts.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mycovigil.db.model import Side
from mycovigil_training.configuration import SplitConfig
from mycovigil_training.features.table import FeatureTable
from mycovigil_training.model.sides import position

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
    table: FeatureTable,
    sides: NDArray[np.str_],
    config: SplitConfig,
    *,
    judged: NDArray[np.bool_],
) -> Split:
    """Whole groups into parts, by the hash of their names; a new row moves no other.

    Of each species one specimen at least is trained on. Rows that are not ``judged`` (N,) only
    train: a specimen of such rows alone goes to `train`, and in other parts they are left out.
    """
    names, first, group = np.unique(table.groups, return_index=True, return_inverse=True)
    readable = np.zeros(len(names), dtype=bool)
    np.logical_or.at(readable, group, judged)
    places = np.array([position(name, "part") for name in names.tolist()])
    parts = np.where(readable, _parts(places, config), PARTS.index("train"))
    learning = sides[first] == Side.TRAINING
    for row in _untrained(table.species[first], parts, learning, places):
        parts[row] = PARTS.index("train")
    parts[~learning] = PARTS.index("holdout")
    dealt = parts[group]
    kept = judged | (dealt == PARTS.index("train"))
    return Split(*(np.flatnonzero((dealt == part) & kept) for part in range(len(PARTS))))


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


def _parts(places: NDArray[np.float64], config: SplitConfig) -> NDArray[np.int64]:
    """The part of each specimen on the training side, should it stand there: ``validation`` and
    ``calibration`` are shares of all specimens."""
    side = 1.0 - config.holdout
    validation, calibration = config.validation / side, config.calibration / side
    edges = np.array([validation, validation + calibration])
    order = np.array([PARTS.index(name) for name in ("validation", "calibration", "train")])
    return order[np.searchsorted(edges, places, side="right")]


def _untrained(
    species: NDArray[np.str_],
    parts: NDArray[np.int64],
    learning: NDArray[np.bool_],
    places: NDArray[np.float64],
) -> list[int]:
    """For each species without a specimen in `train`: the one on the training side that lies
    nearest to it, by its hash."""
    trained = set(species[learning & (parts == PARTS.index("train"))].tolist()) | {""}
    nearest: dict[str, int] = {}
    for row in np.flatnonzero(learning)[np.argsort(places[learning])]:
        nearest[str(species[row])] = int(row)
    return [row for name, row in nearest.items() if name not in trained]
