"""On which side a specimen stands: models learn from `training`, gates judge on `holdout`.

The hash of a specimen decides once, and its photos keep the side that was written, whatever is
collected or labelled later. A candidate is therefore never judged on photos by which an earlier
model was trained or calibrated.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mycovigil.db.model import Side
from mycovigil_training.features.table import FeatureTable


def sides(
    table: FeatureTable,
    share: float,
    *,
    written: Mapping[str, Side],
    learned: NDArray[np.bool_],
    judged: NDArray[np.bool_],
) -> NDArray[np.str_]:
    """(N,) `Side` of each row, whole groups together.

    A specimen goes to training where a photo of it is written there, or where an earlier model
    learned from one; so does a specimen that joins both sides. Otherwise the written side stands. A
    new specimen goes by its hash: to the holdout with probability ``share``; but to training if
    none of its rows may be judged, and if no other specimen of its species is there.

    Args:
        written: the side of each photo that has one, by sha256.
        learned: (N,) an earlier model was trained on the photo.
        judged: (N,) a gate may read the row: it is curated, or its label was chosen at random.
    """
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, group in enumerate(table.groups.tolist()):
        rows_of[group].append(row)
    found = np.full(len(table), "", dtype="U8")
    for rows in rows_of.values():
        found[rows] = _known(table, rows, written, learned)
    trained = set(table.species[found == Side.TRAINING].tolist())
    new = [(group, rows) for group, rows in rows_of.items() if not found[rows[0]]]
    for group, rows in sorted(new, key=lambda item: position(item[0]), reverse=True):
        species = str(table.species[rows[0]])
        alone = bool(species) and species not in trained
        held = position(group) < share and not alone and judged[rows].any()
        found[rows] = Side.HOLDOUT if held else Side.TRAINING
        if not held:
            trained.add(species)
    return found


def position(specimen: str, salt: str = "side") -> float:
    """A number on [0, 1) from the specimen's name: uniform over specimens, always the same."""
    digest = hashlib.sha256(f"{salt}:{specimen}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48


def _known(
    table: FeatureTable, rows: list[int], written: Mapping[str, Side], learned: NDArray[np.bool_]
) -> str:
    """The side that a specimen has already; empty for a new one."""
    before = {written[digest] for digest in table.sha256[rows].tolist() if digest in written}
    if Side.TRAINING in before or learned[rows].any():
        return Side.TRAINING
    return Side.HOLDOUT if before else ""
