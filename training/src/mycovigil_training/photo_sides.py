"""Sides of photos in the table `photo_sides`: read, dealt to new specimens, and written once."""

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mycovigil.db.model import PhotoSide, Side
from mycovigil.postgres import named_lock
from mycovigil_training.features.table import FeatureTable
from mycovigil_training.model.sides import sides

# Advisory lock: of two trainings at once, the second reads what the first wrote.
LOCK = "mycovigil photo sides"
# Rows of one statement.
BATCH = 5_000


def settled(
    session: Session,
    table: FeatureTable,
    share: float,
    *,
    learned: NDArray[np.bool_],
    judged: NDArray[np.bool_],
) -> NDArray[np.str_]:
    """(N,) sides of the rows (:func:`mycovigil_training.model.sides.sides`), written in the
    caller's transaction."""
    named_lock.hold(session, LOCK)
    written = _written(session, table.sha256.tolist())
    found = sides(table, share, written=written, learned=learned, judged=judged)
    rows = zip(table.sha256.tolist(), found.tolist(), table.groups.tolist(), strict=True)
    new = {
        digest: {"sha256": digest, "side": side, "specimen": specimen}
        for digest, side, specimen in rows
        if written.get(digest) != side
    }
    _write(session, list(new.values()))
    return found


def _written(session: Session, digests: list[str]) -> dict[str, Side]:
    found: dict[str, Side] = {}
    for start in range(0, len(digests), BATCH):
        rows = session.execute(
            select(PhotoSide.sha256, PhotoSide.side).where(
                PhotoSide.sha256.in_(digests[start : start + BATCH])
            )
        )
        found |= {digest: Side(side) for digest, side in rows}
    return found


def _write(session: Session, rows: list[dict[str, str]]) -> None:
    statement = insert(PhotoSide)
    statement = statement.on_conflict_do_update(
        index_elements=[PhotoSide.sha256],
        set_={"side": statement.excluded.side},
        where=statement.excluded.side == Side.TRAINING,
    )
    for start in range(0, len(rows), BATCH):
        session.execute(statement, rows[start : start + BATCH])
