"""Slices of many nights, without the rest of their reports."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mycovigil.db.report import DriftReport


@dataclass(frozen=True, slots=True)
class SlicedNight:
    """A night's slices; none where the report holds none."""

    report_id: uuid.UUID
    window_start: datetime
    window_end: datetime
    slices: list[dict[str, Any]]


def of_nights(
    session: Session, *, count: int, model_id: uuid.UUID | None = None
) -> Sequence[SlicedNight]:
    """The last ``count`` nights, oldest first; Postgres hands out the slices alone."""
    wanted = func.coalesce(DriftReport.evidence["slices"], func.jsonb_build_array())
    statement = select(
        DriftReport.id, DriftReport.window_start, DriftReport.window_end, wanted
    ).where(DriftReport.periods == 1)
    if model_id is not None:
        statement = statement.where(DriftReport.model_id == model_id)
    newest = statement.order_by(DriftReport.window_end.desc(), DriftReport.id.desc()).limit(count)
    return [SlicedNight(*row) for row in reversed(session.execute(newest).all())]
