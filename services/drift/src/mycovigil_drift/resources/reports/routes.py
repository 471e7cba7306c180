"""``/v1/reports``: lists, exports, single reports, galleries, and Evidently's files."""

import uuid
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import select

from mycovigil.db.model import Model
from mycovigil.problem import Problem
from mycovigil.storage import MissingObject, Storage
from mycovigil_drift.access import Reader, Viewer
from mycovigil_drift.pagination import Page, shown
from mycovigil_drift.resources.models import ModelRef
from mycovigil_drift.resources.reports import csv_export, queries
from mycovigil_drift.resources.reports.schemas import (
    GalleryOut,
    ReportOut,
    ReportQuery,
    ReportSummary,
)
from mycovigil_drift.session import Reading
from mycovigil_drift.state import AppState

router = APIRouter(prefix="/v1/reports", tags=["reports"])
# Evidently's page runs scripts of its own. A sandbox without an origin keeps them from cookies,
# keys and the network.
SANDBOX = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; worker-src blob:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)


@router.get("", summary="Reports, latest window first")
def list_reports(
    session: Reading, _: Reader, query: Annotated[ReportQuery, Query()]
) -> Page[ReportSummary]:
    return shown(ReportSummary, queries.page(session, query))


@router.get(".csv", summary="Reports as CSV", response_class=Response)
def export_reports(session: Reading, _: Viewer, query: Annotated[ReportQuery, Query()]) -> Response:
    """All that match, at most 10,000; ``limit`` and ``cursor`` are ignored."""
    return csv_export.reports_csv(queries.exported(session, query))


@router.get(".json", summary="Reports as one JSON file")
def export_reports_json(
    session: Reading, _: Viewer, query: Annotated[ReportQuery, Query()], response: Response
) -> list[ReportSummary]:
    """All that match, at most 10,000; ``limit`` and ``cursor`` are ignored."""
    response.headers["Content-Disposition"] = 'attachment; filename="reports.json"'
    return [ReportSummary.model_validate(row) for row in queries.exported(session, query)]


@router.get("/{report_id}", summary="One report with its evidence")
def get_report(report_id: uuid.UUID, session: Reading, _: Viewer) -> ReportOut:
    report = queries.get(session, report_id)
    version = session.scalars(select(Model.version).where(Model.id == report.model_id)).one()
    incident = queries.incident(session, report)
    summary = ReportSummary.model_validate(report)
    return ReportOut(
        **summary.model_dump(),
        model=ModelRef(id=report.model_id, version=version),
        views=report.views,
        evidence=report.evidence,
        realised=report.realised,
        inputs=report.inputs,
        metrics=queries.metrics(session, report_id),
        incident_id=incident.id if incident else None,
        evidently=f"/v1/reports/{report_id}/evidently" if report.evidently_uri else None,
        gallery=f"/v1/reports/{report_id}/gallery",
    )


@router.get("/{report_id}/metrics.csv", summary="One report and its metrics as CSV")
def export_report(report_id: uuid.UUID, session: Reading, _: Viewer) -> Response:
    report = queries.get(session, report_id)
    return csv_export.report_csv(report, queries.metrics(session, report_id))


@router.get("/{report_id}/gallery", summary="The photos least like the reference")
def get_gallery(report_id: uuid.UUID, session: Reading, _: Viewer) -> GalleryOut:
    return GalleryOut(report_id=report_id, photos=queries.get(session, report_id).gallery)


@router.get("/{report_id}/evidently", summary="Evidently's page", response_class=HTMLResponse)
def get_evidently(report_id: uuid.UUID, session: Reading, state: AppState, _: Viewer) -> Response:
    report = queries.get(session, report_id)
    data = _stored(state.storage, report.evidently_uri, "Evidently page")
    return HTMLResponse(data, headers={"Content-Security-Policy": SANDBOX})


@router.get("/{report_id}/snapshot", summary="Evidently's snapshot, for its own workspace")
def get_snapshot(report_id: uuid.UUID, session: Reading, state: AppState, _: Viewer) -> Response:
    report = queries.get(session, report_id)
    data = _stored(state.storage, report.snapshot_uri, "Evidently snapshot")
    return Response(data, media_type="application/json")


def _stored(storage: Storage, key: str | None, noun: str) -> bytes:
    with suppress(MissingObject):
        if key is not None:
            return storage.read(key)
    detail = f"This report has no {noun}: none was made, or retention has deleted it."
    raise Problem(404, "not-kept", "Not kept", detail)
