"""What the gate's attempts of the last year have used of its yearly level."""

import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mycovigil.db.model import Model

YEAR = datetime.timedelta(days=365)


def spent(session: Session) -> float:
    """The sum of the levels at which candidates of the last 365 days were judged, whatever became
    of them. The evidence of each holds its own."""
    level = Model.metrics["gate"]["spent"].as_float()
    return (
        session.scalar(select(func.sum(level)).where(Model.created_at > func.now() - YEAR)) or 0.0
    )
