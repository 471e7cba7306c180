"""Geometries of encoders: in storage, by their sha256, with one row an encoder."""

import uuid
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mycovigil.baselines.packed import Arrays, digest, packed, unpacked
from mycovigil.db.base import new_id
from mycovigil.db.baseline import DayGeometry
from mycovigil.storage import Storage

FOLDER = "geometries"


def of_encoder(session: Session, encoder_id: uuid.UUID) -> DayGeometry | None:
    """The geometry of an encoder; none before its first day was sketched."""
    return session.scalar(select(DayGeometry).where(DayGeometry.encoder_id == encoder_id))


def store(
    session: Session,
    storage: Storage,
    encoder_id: uuid.UUID,
    reference_set_id: uuid.UUID,
    arrays: Mapping[str, NDArray[Any]],
) -> DayGeometry:
    """Write the encoder's geometry; returns the earlier one where another worker was faster."""
    content = packed(arrays)
    sha256 = digest(content)
    key = storage.write(f"{FOLDER}/{sha256}.npz", content)
    session.execute(
        insert(DayGeometry)
        .values(
            id=new_id(),
            encoder_id=encoder_id,
            reference_set_id=reference_set_id,
            storage_key=key,
            sha256=sha256,
        )
        .on_conflict_do_nothing(index_elements=[DayGeometry.encoder_id])
    )
    return session.scalars(select(DayGeometry).where(DayGeometry.encoder_id == encoder_id)).one()


def arrays_of(storage: Storage, row: DayGeometry) -> Arrays:
    """What was stored.

    Raises:
        MissingObject: the file is gone.
        Damaged: it is not what was written.
    """
    content = storage.read(row.storage_key)
    return unpacked(content, row.sha256, f"the geometry of encoder {row.encoder_id}")
