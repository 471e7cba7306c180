"""``/v1/audit``."""

from typing import Annotated

from fastapi import APIRouter, Query

from mycovigil_drift.access import Reader
from mycovigil_drift.audit import queries
from mycovigil_drift.audit.schemas import AuditLineOut, AuditQuery
from mycovigil_drift.pagination import Page, shown
from mycovigil_drift.session import Reading

router = APIRouter(prefix="/v1/audit", tags=["audit"])


@router.get("", summary="Who did what, newest first")
def list_lines(
    session: Reading, _: Reader, query: Annotated[AuditQuery, Query()]
) -> Page[AuditLineOut]:
    return shown(AuditLineOut, queries.page(session, query))
