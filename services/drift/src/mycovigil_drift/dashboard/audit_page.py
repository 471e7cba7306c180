"""``/audit``: who did what."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from mycovigil_drift.access import Viewer
from mycovigil_drift.audit import queries
from mycovigil_drift.audit.schemas import AuditQuery
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.session import Reading

router = APIRouter(prefix="/audit", include_in_schema=False)
PAGES = {
    "incidents": "/incidents/",
    "models": "/models/",
    "retrain_jobs": "/retrain-jobs/",
    "reference_sets": "/reference-sets/",
}
"""Where the page of a subject is, for those that have one."""


@router.get("")
def audit_page(
    request: Request, session: Reading, _: Viewer, query: Annotated[AuditQuery, Query()]
) -> Response:
    lines, following = queries.page(session, query)
    return render(request, "audit.html", lines=lines, following=following, pages=PAGES, query=query)
