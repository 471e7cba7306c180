"""Pooling: a night with too few rows is judged together with the nights that follow it."""

import uuid
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.references.window import Window


def pooled_start(session: Session, model_id: uuid.UUID, window: Window) -> datetime:
    """Where the rows of a night's test begin: before the run of ``insufficient`` nights that
    ends where the night starts, whatever set served then (a season may have ended in between).

    Their rows were in no test, so every row is judged once and the night's level holds. Long
    windows pool nothing, they are pools already; nor does a part of a night that was requested.
    """
    if window.periods != 1:
        return window.start
    before = session.execute(
        select(DriftReport.window_start, DriftReport.window_end, DriftReport.verdict)
        .where(
            DriftReport.model_id == model_id,
            DriftReport.periods == 1,
            DriftReport.window_end <= window.start,
        )
        .order_by(DriftReport.window_end.desc())
    )
    start = window.start
    for earlier_start, earlier_end, verdict in before.yield_per(50):
        if earlier_end != start or verdict != ReportVerdict.INSUFFICIENT:
            break
        start = earlier_start
    return start
