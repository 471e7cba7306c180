"""``/audit``: who did what."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from mycovigil_drift.access import Viewer
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.resources import audit
from mycovigil_drift.session import Reading

router = APIRouter(prefix="/audit", include_in_schema=False)
# Addresses of the pages of a line's subject, by table.
SUBJECT_PAGES = {
    "incidents": "/incidents/",
    "models": "/models/",
    "retrain_jobs": "/retrain-jobs/",
    "reference_sets": "/reference-sets/",
}


@router.get("")
def audit_page(
    request: Request, session: Reading, _: Viewer, query: Annotated[audit.AuditQuery, Query()]
) -> Response:
    lines, following = audit.page(session, query)
    return render(
        request,
        "audit.html",
        lines=lines,
        following=following,
        pages=SUBJECT_PAGES,
        query=query,
    )
