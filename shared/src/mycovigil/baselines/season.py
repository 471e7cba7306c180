"""Accepted days of the same month, one before and one after, of earlier years."""

import datetime
import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.baselines.baseline import LEAST_DAYS
from mycovigil.baselines.sketches import Span
from mycovigil.db.baseline import Baseline, BaselineDay


def same_season(session: Session, geometry_id: uuid.UUID, at: datetime.datetime) -> list[Span]:
    """Days of any baseline of the geometry that lie in the month of ``at``, one before or one
    after, of an earlier year; newest first, none if there are fewer than three."""
    months = {(at.month - 2) % 12 + 1, at.month, at.month % 12 + 1}
    rows = session.execute(
        select(BaselineDay.day_start, BaselineDay.day_end)
        .join(Baseline, Baseline.id == BaselineDay.baseline_id)
        .where(
            Baseline.geometry_id == geometry_id,
            BaselineDay.withdrawn_at.is_(None),
            BaselineDay.day_start < at - datetime.timedelta(days=180),
        )
        .distinct()
        .order_by(BaselineDay.day_start.desc())
    )
    found = [(start, end) for start, end in rows if start.month in months]
    return found if len(found) >= LEAST_DAYS else []
