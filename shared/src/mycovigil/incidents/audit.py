"""Write the audit trail: each line in the transaction of its change."""

import uuid
from typing import Protocol

from sqlalchemy.orm import Session

from mycovigil.db.audit import AuditLine


class Subject(Protocol):
    """Any row with a UUID key."""

    __tablename__: str
    id: uuid.UUID


def record(session: Session, *, who: str, action: str, on: Subject, detail: str = "") -> None:
    """Add a line: ``who`` did ``action`` (past tense: "acknowledged") to the row ``on``."""
    session.add(
        AuditLine(who=who, action=action, subject=on.__tablename__, subject_id=on.id, detail=detail)
    )
