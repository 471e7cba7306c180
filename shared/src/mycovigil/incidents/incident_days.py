"""The nights of an incident: those that alarmed since it began, with the one that opened it."""

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from mycovigil.db.alert import Incident
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.references.window import Window

REQUESTED = "request"


def alarmed(opening: DriftReport) -> tuple[ColumnElement[bool], ...]:
    """Conditions on reports: windows that alarmed, none of whose nights is older than ``opening``,
    the report that opened the incident, whichever model was in production. A week that began before
    it drifts because of it; a window that only informs, or that a person asked for, alarmed
    nobody."""
    informs = DriftReport.evidence["days"]["informs"].as_boolean()
    return (
        _of_models(opening),
        DriftReport.verdict == ReportVerdict.DRIFT,
        DriftReport.window_start >= opening.window_start,
        DriftReport.origin != REQUESTED,
        ~func.coalesce(informs, False),
    )


def _of_models(opening: DriftReport) -> ColumnElement[bool]:
    """Of the model whose night opened the incident, and of those that took it over: on the same
    encoder, compared with days of the same baseline."""
    own = DriftReport.model_id == opening.model_id
    if opening.baseline_id is None:
        return own
    return own | (DriftReport.baseline_id == opening.baseline_id)


def drifted(session: Session, incident: Incident) -> list[Window]:
    """The nights (or longer windows) that alarmed since the incident began until it was resolved,
    in order; labels may have opened it by a night that was calm."""
    opening = session.get_one(DriftReport, incident.report_id)
    query = select(DriftReport).where(*alarmed(opening))
    if incident.resolved_at is not None:
        query = query.where(DriftReport.window_start < incident.resolved_at)
    reports = {opening.id: opening} | {row.id: row for row in session.scalars(query)}
    return [
        Window(row.window_start, row.window_end, row.periods)
        for row in sorted(reports.values(), key=lambda row: row.window_start)
    ]
