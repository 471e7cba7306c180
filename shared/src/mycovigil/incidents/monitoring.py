"""Monitoring: whether a model's nights are judged, without which its certificate is in doubt."""

import uuid
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mycovigil.db.prediction import Prediction
from mycovigil.db.report import UNJUDGED, DriftReport
from mycovigil.settings import DriftSettings

NIGHTS_LATE = 2
# Where nights are seconds, as in the demo, a worker may be late without being dead.
SHORTEST_WAIT = timedelta(hours=1)


def lapse(session: Session, model_id: uuid.UUID, drift: DriftSettings) -> str | None:
    """Why the model counts as unmonitored: photos have waited to be judged for longer than two
    nights and their grace, and at least an hour. None while it is monitored."""
    waiting = waiting_since(session, model_id)
    if waiting is None:
        return None
    limit = timedelta(seconds=NIGHTS_LATE * drift.period_seconds + drift.grace_seconds)
    now = session.scalars(select(func.clock_timestamp())).one()
    if now - waiting <= max(limit, SHORTEST_WAIT):
        return None
    return f"no night has been judged since {waiting:%Y-%m-%d %H:%M} UTC"


def waiting_since(session: Session, model_id: uuid.UUID) -> datetime | None:
    """When the first photo came that no judged night contains; none if there is no such photo."""
    judged = session.scalar(
        select(func.max(DriftReport.window_end)).where(
            DriftReport.model_id == model_id,
            DriftReport.periods == 1,
            DriftReport.verdict.not_in(UNJUDGED),
        )
    )
    photos = select(func.min(Prediction.created_at)).where(Prediction.model_id == model_id)
    if judged is not None:
        photos = photos.where(Prediction.created_at >= judged)
    return session.scalar(photos)
