"""Rows that came after their window's grace, or after it was judged, counted in its report."""

from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from mycovigil.db.prediction import Prediction
from mycovigil.db.report import DriftReport
from mycovigil.settings import Settings
from mycovigil_worker.report import metrics

# How long after a report its late rows are still counted.
RECOUNTED = timedelta(days=7)


def count(session: Session, settings: Settings, now: datetime) -> None:
    """Rows logged after their window's grace, now that they are here; what retention took since
    stays counted. A worker whose clock was ahead judged the window before it was over: what came
    after that is late too, for no test saw it."""
    grace = timedelta(seconds=settings.drift.grace_seconds)
    late = (
        select(func.count())
        .select_from(Prediction)
        .where(
            Prediction.model_id == DriftReport.model_id,
            Prediction.created_at >= DriftReport.window_start,
            Prediction.created_at < DriftReport.window_end,
            Prediction.logged_at
            > func.least(DriftReport.window_end + grace, DriftReport.created_at),
        )
        .scalar_subquery()
    )
    counted = session.execute(
        update(DriftReport)
        .where(DriftReport.created_at > now - RECOUNTED, DriftReport.periods == 1)
        .values(late_rows=func.greatest(DriftReport.late_rows, late))
        .returning(DriftReport.id, DriftReport.late_rows)
    )
    for report, rows in counted.all():
        metrics.store(session, report, {"late_rows": float(rows)})
