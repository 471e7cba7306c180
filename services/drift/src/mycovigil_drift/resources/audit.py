"""The audit trail: who did what. ``/v1/audit``."""

import datetime
import uuid
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from mycovigil.db.audit import AuditLine
from mycovigil_drift.access import Reader
from mycovigil_drift.pagination import Page, PageQuery, fetch, shown
from mycovigil_drift.session import Reading

router = APIRouter(prefix="/v1/audit", tags=["audit"])
# Prefix of the actions that record a change of a certificate's status.
CERTIFICATE = "certificate "
MOST_CERTIFICATE_CHANGES = 50


class AuditLineOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    who: str
    action: str
    subject: str
    subject_id: uuid.UUID
    detail: str
    created_at: datetime.datetime


class AuditQuery(PageQuery):
    subject_id: uuid.UUID | None = Field(None, description="Lines about this row only.")


def page(session: Session, query: AuditQuery) -> tuple[list[AuditLine], str | None]:
    statement = select(AuditLine)
    if query.subject_id is not None:
        statement = statement.where(AuditLine.subject_id == query.subject_id)
    return fetch(session, statement, (AuditLine.created_at, AuditLine.id), query)


def about(session: Session, subject_id: uuid.UUID, *, limit: int = 20) -> Sequence[AuditLine]:
    """The newest lines about one row, newest first."""
    return session.scalars(_newest(subject_id).limit(limit)).all()


def certificate_changes(session: Session, model_id: uuid.UUID) -> Sequence[AuditLine]:
    """Changes of a model's certificate status, newest first."""
    changes = _newest(model_id).where(AuditLine.action.startswith(CERTIFICATE))
    return session.scalars(changes.limit(MOST_CERTIFICATE_CHANGES)).all()


def _newest(subject_id: uuid.UUID) -> Select[AuditLine]:
    about_it = select(AuditLine).where(AuditLine.subject_id == subject_id)
    return about_it.order_by(AuditLine.created_at.desc(), AuditLine.id.desc())


@router.get("", summary="Who did what, newest first")
def list_lines(
    session: Reading, _: Reader, query: Annotated[AuditQuery, Query()]
) -> Page[AuditLineOut]:
    return shown(AuditLineOut, page(session, query))
