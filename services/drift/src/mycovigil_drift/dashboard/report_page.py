"""``/reports``: the nights as a list; ``/reports/{id}``: one night with all that speaks for it."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from mycovigil.db.model import Model
from mycovigil.db.reference import ReferenceSet
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil_drift.access import Viewer
from mycovigil_drift.dashboard import gallery, wording
from mycovigil_drift.dashboard.charts import comparison
from mycovigil_drift.dashboard.formats import night
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.models import queries as models
from mycovigil_drift.reports import queries
from mycovigil_drift.reports.schemas import ReportQuery
from mycovigil_drift.session import Reading
from mycovigil_drift.state import AppState

router = APIRouter(prefix="/reports", include_in_schema=False)


@router.get("")
def reports_page(
    request: Request, session: Reading, _: Viewer, query: Annotated[ReportQuery, Query()]
) -> Response:
    reports, following = queries.page(session, query)
    return render(
        request,
        "reports.html",
        reports=reports,
        versions=models.references(session, (report.model_id for report in reports)),
        following=following,
        verdicts=list(ReportVerdict),
        query=query,
    )


@router.get("/{report_id}")
def report_page(
    report_id: uuid.UUID, request: Request, session: Reading, state: AppState, _: Viewer
) -> Response:
    report = queries.get(session, report_id)
    before, after = queries.neighbours(session, report)
    return render(
        request,
        "report.html",
        report=report,
        title=night(report.window_start, report.window_end),
        model=session.get_one(Model, report.model_id),
        reference=session.get_one(ReferenceSet, report.reference_set_id),
        incident=queries.incident(session, report),
        before=before,
        after=after,
        photos=gallery.shown(state.storage, report.gallery),
        **_evidence(report),
    )


def _evidence(report: DriftReport) -> dict[str, Any]:
    """What stands in the report's documents, ready to be drawn."""
    found = report.evidence
    return {
        "views": sorted(report.views, key=lambda view: view["p_value"]),
        "effects": comparison.effects(found.get("covariates", [])),
        "shares": comparison.shares(found.get("classes", [])),
        "warnings": found.get("warnings", []),
        "traces": found.get("cause") or {},
        "harm": wording.harm(found) if "harm" in found else None,
    }
