"""Advisory locks by name: for what only one transaction at a time may do, and no row stands for."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session


def hold(session: Session, name: str) -> None:
    """Wait for the lock called ``name``, and hold it until the caller's transaction ends."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext(name))))
