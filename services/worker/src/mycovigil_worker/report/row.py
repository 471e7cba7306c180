"""Where a report goes: into a row of its own, or over one that said nothing about its window.

A report that failed, or had no reference set, is written over and keeps its id: what points at it
(a request, an incident that labels opened, a person's bookmark) then points at the answer.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from mycovigil.db.alert import Alert, Incident
from mycovigil.db.base import new_id
from mycovigil.db.report import UNJUDGED, DriftReport, ReportRequest
from mycovigil_worker.nights.outcome import Commission, Origin

POINTERS = (ReportRequest, Incident, Alert)


def placed(session: Session, commission: Commission, values: dict[str, Any]) -> DriftReport:
    """The report with these values, added to the caller's transaction; not flushed."""
    silent = _unjudged(session, commission) if commission.reference_set_id else []
    if not silent:
        report = DriftReport(id=new_id(), **values)
        session.add(report)
        return report
    report, *others = silent
    _gather(session, report, others)
    if report.origin == Origin.BACKFILL:
        values = values | {"origin": Origin.BACKFILL.value}  # or the nightly run would adopt it
    for name, value in values.items():
        setattr(report, name, value)
    report.created_at = func.now()
    return report


def _unjudged(session: Session, commission: Commission) -> Sequence[DriftReport]:
    """The window's reports that said nothing about drift, that of this reference set first."""
    return session.scalars(
        select(DriftReport)
        .where(
            DriftReport.model_id == commission.model_id,
            DriftReport.window_start == commission.window.start,
            DriftReport.window_end == commission.window.end,
            DriftReport.verdict.in_(UNJUDGED),
        )
        .order_by(
            (DriftReport.reference_set_id == commission.reference_set_id).desc().nulls_last(),
            DriftReport.created_at.desc(),
        )
        .with_for_update()
    ).all()


def _gather(session: Session, report: DriftReport, others: Sequence[DriftReport]) -> None:
    """Let what points at one of the others point at the report, and drop them."""
    gone = [other.id for other in others]
    for table in POINTERS:
        session.execute(update(table).where(table.report_id.in_(gone)).values(report_id=report.id))
    session.execute(delete(DriftReport).where(DriftReport.id.in_(gone)))
