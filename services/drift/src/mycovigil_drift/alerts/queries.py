"""Reading alerts."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.alert import Alert
from mycovigil_drift import lookup
from mycovigil_drift.alerts.schemas import AlertQuery
from mycovigil_drift.pagination import fetch


def page(session: Session, query: AlertQuery) -> tuple[list[Alert], str | None]:
    wanted = query.model_dump(exclude_none=True, exclude={"limit", "cursor"})
    return fetch(session, select(Alert).filter_by(**wanted), (Alert.created_at, Alert.id), query)


def get(session: Session, alert_id: uuid.UUID) -> Alert:
    """Raises a 404 problem without one."""
    return lookup.one(session, Alert, alert_id, "alert")
