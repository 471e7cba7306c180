"""API keys."""

from sqlalchemy.orm import Session

from mycovigil import access
from mycovigil.access import Scope


def make_key(session: Session, *scopes: Scope, name: str = "tester") -> str:
    """A key as presented; with all scopes unless some are given."""
    key = access.create(session, name, list(scopes or Scope))
    session.flush()
    return key
