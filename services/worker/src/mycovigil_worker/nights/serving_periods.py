"""Which model was in production when, from the recorded decisions of the gate."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.model import Promotion, PromotionDecision


@dataclass(frozen=True, slots=True)
class ServingPeriod:
    """``model_id`` served from ``start`` until ``end``; empty means until now."""

    model_id: uuid.UUID
    start: datetime
    end: datetime | None


def serving_periods(session: Session) -> list[ServingPeriod]:
    """All serving periods in order of time."""
    rows = session.execute(
        select(Promotion.model_id, Promotion.created_at)
        .where(Promotion.decision != PromotionDecision.REFUSED)
        .order_by(Promotion.created_at, Promotion.id)
    ).all()
    starts = [(model_id, start) for model_id, start in rows]
    ends = [following[1] for _, following in pairwise(starts)]
    return [
        ServingPeriod(model_id, start, end)
        for (model_id, start), end in zip(starts, [*ends, None], strict=False)
    ]
