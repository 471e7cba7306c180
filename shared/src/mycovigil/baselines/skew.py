"""Acceptance of skew: production differs from a training set, and a person says that it may."""

import uuid

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mycovigil.db.base import new_id
from mycovigil.db.baseline import SkewAcceptance
from mycovigil.incidents import audit


def acceptance(
    session: Session, encoder_id: uuid.UUID, training_set_hash: str
) -> SkewAcceptance | None:
    """Who accepted the skew between an encoder's photos and this training set, if anybody."""
    return session.scalar(
        select(SkewAcceptance).where(
            SkewAcceptance.encoder_id == encoder_id,
            SkewAcceptance.training_set_hash == training_set_hash,
        )
    )


def accept(
    session: Session, encoder_id: uuid.UUID, training_set_hash: str, *, who: str, note: str
) -> SkewAcceptance:
    """Accept the skew, for this head and all later ones on the encoder; of two people the first
    one's note stays."""
    statement = (
        insert(SkewAcceptance)
        .values(
            id=new_id(),
            encoder_id=encoder_id,
            training_set_hash=training_set_hash,
            accepted_by=who,
            note=note,
        )
        .on_conflict_do_nothing(index_elements=["encoder_id", "training_set_hash"])
        .returning(SkewAcceptance.id)
    )
    made = session.scalar(statement)
    found = acceptance(session, encoder_id, training_set_hash)
    if found is None:
        raise LookupError(f"the acceptance of skew for encoder {encoder_id} is gone")
    if made is not None:
        audit.record(session, who=who, action="accepted the skew", on=found, detail=note)
        session.flush()
    return found
