"""``/reports``: the nights as a list; ``/reports/{id}``: one night with all that speaks for it."""

import uuid
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request, Response
from sqlalchemy.orm import Session

from mycovigil.db.model import Model
from mycovigil.db.reference import ReferenceSet
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil_drift.access import Viewer
from mycovigil_drift.dashboard import clusters, gallery
from mycovigil_drift.dashboard import harm as harms
from mycovigil_drift.dashboard.charts import comparison, heat_map
from mycovigil_drift.dashboard.form import Actor, UtcMoment, done
from mycovigil_drift.dashboard.formats import night
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.models import queries as models
from mycovigil_drift.models.schemas import ModelQuery
from mycovigil_drift.reports import queries, requests
from mycovigil_drift.reports.schemas import ReportQuery, ReportRequestIn
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
        models=models.page(session, ModelQuery(limit=20, cursor=None))[0],
        following=following,
        verdicts=list(ReportVerdict),
        query=query,
        kept=_kept(query),
        kept_but_verdict=_kept(query, "verdict"),
    )


def _kept(query: ReportQuery, *without: str) -> str:
    """The filters as a query string, for links that go on with them."""
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
        title=night(report.window_start, report.window_end),
        model=session.get_one(Model, report.model_id),
        reference=_reference(session, report),
        incident=queries.incident(session, report),
        before=before,
        after=after,
        photos=gallery.shown(report.gallery),
        clusters=clusters.shown(session, report),
        harm=harms.shown(report),
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
        "slices": _slices(found.get("slices", [])),
    }


def _slices(found: list[dict[str, Any]]) -> list[tuple[str, list[tuple[str, heat_map.Cell]]]]:
    """Cells by dimension: those that drifted first, hours in their order."""
    grouped = []
    for name in heat_map.dimensions([found]):
        rows = heat_map.drawn([found], name, most=MOST_SLICES).rows
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
    actor: Actor,
) -> Response:
    wish = ReportRequestIn(model_id=model_id, window_start=since, window_end=until)
    requests.ask(session, wish, who=actor.name)
    return done("/reports", "judge")
