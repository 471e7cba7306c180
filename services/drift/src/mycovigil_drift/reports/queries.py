"""Reading reports and their neighbours."""

import datetime
import uuid
from collections.abc import Sequence

from sqlalchemy import Select, literal, select, tuple_
from sqlalchemy.orm import Session, defer

from mycovigil.db.alert import Incident
from mycovigil.db.report import DriftMetric, DriftReport
from mycovigil_drift import lookup
from mycovigil_drift.models import queries as models
from mycovigil_drift.pagination import fetch
from mycovigil_drift.reports.schemas import ReportQuery

HEAVY = (DriftReport.evidence, DriftReport.views, DriftReport.gallery, DriftReport.inputs)
"""Documents that lists do not need."""
EXPORTED = 10_000


def page(session: Session, query: ReportQuery) -> tuple[list[DriftReport], str | None]:
    """Reports by the end of their window, newest first, without the heavy documents."""
    statement = filtered(session, query).options(*(defer(column) for column in HEAVY))
    return fetch(session, statement, (DriftReport.window_end, DriftReport.id), query)


def filtered(session: Session, query: ReportQuery) -> Select[DriftReport]:
    """The reports a query asks for, in no order yet."""
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


def exported(session: Session, query: ReportQuery) -> Sequence[DriftReport]:
    """All reports that match, latest window first, at most :data:`EXPORTED`."""
    statement = filtered(session, query).options(*(defer(column) for column in HEAVY))
    latest = statement.order_by(DriftReport.window_end.desc(), DriftReport.id.desc())
    return session.scalars(latest.limit(EXPORTED)).all()


def get(session: Session, report_id: uuid.UUID) -> DriftReport:
    """Raises a 404 problem without one."""
    return lookup.one(session, DriftReport, report_id, "report")


def metrics(session: Session, report_id: uuid.UUID) -> dict[str, float]:
    """Every number of a report by name."""
    rows = session.execute(
        select(DriftMetric.name, DriftMetric.value)
        .where(DriftMetric.report_id == report_id)
        .order_by(DriftMetric.name)
    )
    return {row.name: row.value for row in rows}


def incident(session: Session, report: DriftReport) -> Incident | None:
    """The incident whose time this report falls into: it opened it, fed it, or closed it."""
    opening = select(DriftReport.window_end).where(DriftReport.id == Incident.report_id)
    return session.scalar(
        select(Incident)
        .where(
            Incident.model_id == report.model_id,
            opening.scalar_subquery() <= report.window_end,
            Incident.resolved_at.is_(None) | (Incident.resolved_at >= report.created_at),
        )
        .order_by(Incident.opened_at.desc(), Incident.id.desc())
        .limit(1)
    )


def judged_from(report: DriftReport) -> datetime.datetime:
    """Where the rows of its test begin: with the window, or with the nights pooled into it."""
    pooled = report.inputs.get("pooled_from")
    return datetime.datetime.fromisoformat(pooled) if pooled else report.window_start


def neighbours(
    session: Session, report: DriftReport
) -> tuple[DriftReport | None, DriftReport | None]:
    """The report before and the report after, of the same model and length of window."""
    alike = select(DriftReport).where(
        DriftReport.model_id == report.model_id,
        DriftReport.periods == report.periods,
    )
    light = alike.options(*(defer(column) for column in HEAVY)).limit(1)
    place = tuple_(DriftReport.window_end, DriftReport.id)
    here = tuple_(literal(report.window_end), literal(report.id))
    return (
        session.scalar(
            light.where(place < here).order_by(DriftReport.window_end.desc(), DriftReport.id.desc())
        ),
        session.scalar(light.where(place > here).order_by(DriftReport.window_end, DriftReport.id)),
    )
