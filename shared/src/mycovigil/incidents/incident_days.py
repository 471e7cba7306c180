"""The nights of an incident: those that drifted since it began, with the one that opened it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.alert import Incident
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.references.window import Window


def drifted(session: Session, incident: Incident) -> list[Window]:
    """The nights (or longer windows) that drifted since the incident began until it was resolved,
    in order; labels may have opened it by a night that was calm."""
    opening = session.get_one(DriftReport, incident.report_id)
    during = DriftReport.window_end >= opening.window_end
    if incident.resolved_at is not None:
        during = during & (DriftReport.window_start < incident.resolved_at)
    reports = session.scalars(
        select(DriftReport)
        .where(
            DriftReport.model_id == incident.model_id,
            (DriftReport.verdict == ReportVerdict.DRIFT) | (DriftReport.id == opening.id),
            during,
        )
        .order_by(DriftReport.window_start)
    )
    return [Window(row.window_start, row.window_end, row.periods) for row in reports]
