"""What the gate's attempts of the last year have used of its yearly level, and what is left for the
next one."""

import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mycovigil.db.model import Model
from mycovigil.postgres import named_lock
from mycovigil.settings import TrainingSettings
from mycovigil_training.retrain.criteria import Limits

YEAR = datetime.timedelta(days=365)
LOCK = "mycovigil gate attempt"


def spent(session: Session) -> float:
    """The sum of the levels at which candidates of the last 365 days were judged, whatever became
    of them. The evidence of each holds its own."""
    level = Model.metrics["gate"]["spent"].as_float()
    return (
        session.scalar(select(func.sum(level)).where(Model.created_at > func.now() - YEAR)) or 0.0
    )


def limits_of_next(session: Session, settings: TrainingSettings) -> Limits:
    """The limits of an attempt that is judged and registered in the caller's transaction, which
    holds a lock from now on: another attempt waits for its end, and counts what it spent."""
    named_lock.hold(session, LOCK)
    return Limits.of(settings, spent(session))
