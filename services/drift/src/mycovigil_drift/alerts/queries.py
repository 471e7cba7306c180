"""Reading alerts."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.alert import Alert
from mycovigil.problem import not_found
from mycovigil_drift.alerts.schemas import AlertQuery
from mycovigil_drift.pagination import fetch


def page(session: Session, query: AlertQuery) -> tuple[list[Alert], str | None]:
    wanted = query.model_dump(exclude_none=True, exclude={"limit", "cursor"})
    return fetch(session, select(Alert).filter_by(**wanted), (Alert.created_at, Alert.id), query)


def get(session: Session, alert_id: uuid.UUID) -> Alert:
    """The alert.

    Raises:
        Problem: 404.
    """
    alert = session.get(Alert, alert_id)
    if alert is None:
        raise not_found("alert", alert_id)
    return alert
