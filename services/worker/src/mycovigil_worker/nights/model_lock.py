"""Advisory locks: one worker at a time judges a model's nights."""

import uuid

from sqlalchemy import text
from sqlalchemy.orm import Session

KEY = "hashtextextended('drift of ' || :model, 0)"


def try_model_lock(session: Session, model_id: uuid.UUID) -> bool:
    """Take the model's lock until the transaction ends; false if another worker has it."""
    query = text(f"SELECT pg_try_advisory_xact_lock({KEY})")
    return bool(session.scalar(query, {"model": str(model_id)}))


def wait_for_model_lock(session: Session, model_id: uuid.UUID) -> None:
    """As :func:`try_model_lock`, for a person who waits."""
    session.execute(text(f"SELECT pg_advisory_xact_lock({KEY})"), {"model": str(model_id)})
