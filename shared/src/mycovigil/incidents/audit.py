"""Write the audit trail: a line in the transaction of the change it tells of."""

import uuid
from typing import Protocol

from sqlalchemy.orm import Session

from mycovigil.db.audit import AuditLine


class Subject(Protocol):
    """Any row with a UUID key."""

    __tablename__: str
    id: uuid.UUID


def record(session: Session, *, who: str, action: str, on: Subject, detail: str = "") -> None:
    """Note that ``who`` did ``action`` (past tense: "acknowledged") to the row ``on``."""
    session.add(
        AuditLine(who=who, action=action, subject=on.__tablename__, subject_id=on.id, detail=detail)
    )
