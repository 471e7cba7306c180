"""Tell the worker, at the caller's commit, that somebody waits for it."""

from sqlalchemy import text
from sqlalchemy.orm import Session

CHANNEL = "mycovigil_wake"


def worker(session: Session) -> None:
    """Let the worker's tick run now instead of at its next turn, up to an hour later.

    A notice that nobody hears (the listener is away) costs only the wait.
    """
    session.execute(text(f"NOTIFY {CHANNEL}"))
