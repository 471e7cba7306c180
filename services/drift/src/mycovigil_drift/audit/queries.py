"""Reading the audit trail."""

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.audit import AuditLine
from mycovigil_drift.audit.schemas import AuditQuery
from mycovigil_drift.pagination import fetch

CERTIFICATE = "certificate "
"""How the actions begin that tell of a certificate's state."""
CHANGES = 50


def page(session: Session, query: AuditQuery) -> tuple[list[AuditLine], str | None]:
    statement = select(AuditLine)
    if query.subject_id is not None:
        statement = statement.where(AuditLine.subject_id == query.subject_id)
    return fetch(session, statement, (AuditLine.created_at, AuditLine.id), query)


def about(session: Session, subject_id: uuid.UUID, *, limit: int = 20) -> Sequence[AuditLine]:
    """The newest lines about a row."""
    return session.scalars(
        select(AuditLine)
        .where(AuditLine.subject_id == subject_id)
        .order_by(AuditLine.created_at.desc(), AuditLine.id.desc())
        .limit(limit)
    ).all()


def certificates(session: Session, model_id: uuid.UUID) -> Sequence[AuditLine]:
    """How a model's certificate changed, newest first."""
    return session.scalars(
        select(AuditLine)
        .where(AuditLine.subject_id == model_id, AuditLine.action.startswith(CERTIFICATE))
        .order_by(AuditLine.created_at.desc(), AuditLine.id.desc())
        .limit(CHANGES)
    ).all()
