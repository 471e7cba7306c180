"""``/reports``: the nights as a list; ``/reports/{id}``: one night with its evidence."""

import uuid
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request, Response
from sqlalchemy.orm import Session

from mycovigil.db.model import Model
from mycovigil.db.reference import ReferenceSet
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil_drift.access import Viewer
from mycovigil_drift.dashboard import days, formats
from mycovigil_drift.dashboard.charts import bars, heat_map
from mycovigil_drift.dashboard.form import FormSender, UtcMoment, redirect
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.dashboard.view_models import clusters, gallery, harm
from mycovigil_drift.resources import models, report_requests
from mycovigil_drift.resources.report_requests import ReportRequestIn
from mycovigil_drift.resources.reports import queries
from mycovigil_drift.resources.reports.schemas import ReportQuery
from mycovigil_drift.session import Reading, Writing

router = APIRouter(prefix="/reports", include_in_schema=False)
MOST_SLICES = 30


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
        models=models.newest(session),
        seen=days.seen,
        following=following,
        verdicts=list(ReportVerdict),
        query=query,
        filters=_filters(query),
        filters_but_verdict=_filters(query, "verdict"),
    )


def _filters(query: ReportQuery, *without: str) -> str:
    """The filters as a query string, for links that keep them."""
    skipped = {"cursor", "limit", *without}
    return urlencode(query.model_dump(mode="json", exclude=skipped, exclude_none=True))


@router.get("/{report_id}")
def report_page(report_id: uuid.UUID, request: Request, session: Reading, _: Viewer) -> Response:
    report = queries.get(session, report_id)
    before, after = queries.neighbours(session, report)
    return render(
        request,
        "report.html",
        report=report,
        title=formats.window(report.window_start, report.window_end),
        model=session.get_one(Model, report.model_id),
        reference=_reference(session, report),
        incident=queries.incident(session, report),
        before=before,
        after=after,
        photos=gallery.items(report.gallery),
        clusters=clusters.of_report(session, report),
        harm=harm.of_report(report),
        days=days.beside_days(report),
        skew=days.beside_training(report),
        class_seen=days.class_seen,
        **_evidence(report),
    )


def _evidence(report: DriftReport) -> dict[str, Any]:
    """Charts and lists made from the report's documents, by the name of the template's variable."""
    found = report.evidence
    return {
        "views": sorted(report.views, key=lambda view: view["p_value"]),
        "effects": bars.effects(found.get("covariates", [])),
        "shares": bars.shares(found.get("classes", [])),
        "warnings": found.get("warnings", []),
        "cause_evidence": found.get("cause") or {},
        "slices": _slices(found.get("slices", [])),
        "classes": [one for one in found.get("slices", []) if one.get("days")],
    }


def _slices(found: list[dict[str, Any]]) -> list[tuple[str, list[tuple[str, heat_map.Cell]]]]:
    """Value and cell of each slice, by dimension: hours in their order, else drifts first."""
    grouped = []
    for name in heat_map.dimensions([found]):
        rows = heat_map.layout([found], name, most=MOST_SLICES).rows
        grouped.append((name, [(row.name, row.cells[0]) for row in rows if row.cells[0]]))
    return grouped


def _reference(session: Session, report: DriftReport) -> ReferenceSet | None:
    if report.reference_set_id is None:
        return None
    return session.get_one(ReferenceSet, report.reference_set_id)


@router.post("")
def judge(
    model_id: Annotated[uuid.UUID, Form()],
    since: Annotated[UtcMoment, Form()],
    until: Annotated[UtcMoment, Form()],
    session: Writing,
    sender: FormSender,
) -> Response:
    wanted = ReportRequestIn(model_id=model_id, window_start=since, window_end=until)
    report_requests.request_report(session, wanted, who=sender.name)
    return redirect("/reports", "judge")
