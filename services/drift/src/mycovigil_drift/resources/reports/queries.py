"""Queries of reports, their metrics, their slices, and the reports before and after."""

import datetime
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, literal, select, tuple_
from sqlalchemy.orm import Session, aliased, defer

from mycovigil.db.alert import Incident
from mycovigil.db.report import DriftMetric, DriftReport
from mycovigil_drift import lookup
from mycovigil_drift.pagination import fetch
from mycovigil_drift.resources import models
from mycovigil_drift.resources.reports.schemas import ReportQuery

# Loads a report without its JSON documents, which lists do not show.
WITHOUT_DOCUMENTS = tuple(
    defer(column)
    for column in (
        DriftReport.evidence,
        DriftReport.views,
        DriftReport.gallery,
        DriftReport.inputs,
    )
)
MOST_EXPORTED = 10_000


@dataclass(frozen=True, slots=True)
class NightSlices:
    """The slices of one night's report; an empty list if it holds none."""

    report_id: uuid.UUID
    window_start: datetime.datetime
    window_end: datetime.datetime
    slices: list[dict[str, Any]]


def page(session: Session, query: ReportQuery) -> tuple[list[DriftReport], str | None]:
    """Reports by the end of their window, latest first, without their documents."""
    statement = _filtered(session, query).options(*WITHOUT_DOCUMENTS)
    return fetch(session, statement, (DriftReport.window_end, DriftReport.id), query)


def exported(session: Session, query: ReportQuery) -> Sequence[DriftReport]:
    """All reports that match, latest window first, at most :data:`MOST_EXPORTED`."""
    statement = _filtered(session, query).options(*WITHOUT_DOCUMENTS)
    latest = statement.order_by(DriftReport.window_end.desc(), DriftReport.id.desc())
    return session.scalars(latest.limit(MOST_EXPORTED)).all()


def get(session: Session, report_id: uuid.UUID) -> DriftReport:
    """One report.

    Raises:
        Problem: 404 if there is no such report.
    """
    return lookup.one(session, DriftReport, report_id, "report")


def metrics(session: Session, report_id: uuid.UUID) -> dict[str, float]:
    """All metrics of a report by name."""
    rows = session.execute(
        select(DriftMetric.name, DriftMetric.value)
        .where(DriftMetric.report_id == report_id)
        .order_by(DriftMetric.name)
    )
    return {row.name: row.value for row in rows}


def incident(session: Session, report: DriftReport) -> Incident | None:
    """The incident of the report's model that was unresolved when the report was made: the report
    opened it, belongs to it, or resolved it. Another model may have taken it over since."""
    opening = aliased(DriftReport)
    return session.scalar(
        select(Incident)
        .join(opening, opening.id == Incident.report_id)
        .where(
            (Incident.model_id == report.model_id) | (opening.model_id == report.model_id),
            opening.window_end <= report.window_end,
            Incident.resolved_at.is_(None) | (Incident.resolved_at >= report.created_at),
        )
        .order_by(Incident.opened_at.desc(), Incident.id.desc())
        .limit(1)
    )


def judged_from(report: DriftReport) -> datetime.datetime:
    """Start of the rows that were judged: of the window, or of the nights pooled with it."""
    pooled = report.inputs.get("pooled_from")
    return datetime.datetime.fromisoformat(pooled) if pooled else report.window_start


def neighbours(
    session: Session, report: DriftReport
) -> tuple[DriftReport | None, DriftReport | None]:
    """The reports before and after, of the same model and number of nights."""
    alike = select(DriftReport).where(
        DriftReport.model_id == report.model_id,
        DriftReport.periods == report.periods,
    )
    light = alike.options(*WITHOUT_DOCUMENTS).limit(1)
    key = tuple_(DriftReport.window_end, DriftReport.id)
    this = tuple_(literal(report.window_end), literal(report.id))
    return (
        session.scalar(
            light.where(key < this).order_by(DriftReport.window_end.desc(), DriftReport.id.desc())
        ),
        session.scalar(light.where(key > this).order_by(DriftReport.window_end, DriftReport.id)),
    )


def slices_of_nights(
    session: Session, *, count: int, model_id: uuid.UUID | None = None
) -> Sequence[NightSlices]:
    """Slices of the last ``count`` nights, oldest first, without the rest of their reports."""
    slices = func.coalesce(DriftReport.evidence["slices"], func.jsonb_build_array())
    statement = select(
        DriftReport.id, DriftReport.window_start, DriftReport.window_end, slices
    ).where(DriftReport.periods == 1)
    if model_id is not None:
        statement = statement.where(DriftReport.model_id == model_id)
    newest = statement.order_by(DriftReport.window_end.desc(), DriftReport.id.desc()).limit(count)
    return [NightSlices(*row) for row in reversed(session.execute(newest).all())]


def _filtered(session: Session, query: ReportQuery) -> Select[DriftReport]:
    """The reports that a query selects, not yet in an order."""
    statement = select(DriftReport)
    if query.model is not None:
        model = models.find(session, query.model)
        statement = statement.where(DriftReport.model_id == model.id)
    if query.verdict is not None:
        statement = statement.where(DriftReport.verdict == query.verdict)
    if query.periods is not None:
        statement = statement.where(DriftReport.periods == query.periods)
    if query.since is not None:
        statement = statement.where(DriftReport.window_end > query.since)
    if query.until is not None:
        statement = statement.where(DriftReport.window_start < query.until)
    return statement
