"""An alert of an incident: its row and, unless a silence holds it back, its event."""

import datetime
import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil import outbox
from mycovigil.db.alert import Alert, AlertKind, Incident, Silence
from mycovigil.db.base import new_id
from mycovigil.db.model import Model
from mycovigil.db.report import DriftReport
from mycovigil.event import Event, EventType, Topic

SOURCE = "/mycovigil/incidents"


def tell(
    session: Session,
    incident: Incident,
    model: Model,
    kind: AlertKind,
    message: str,
    report: DriftReport | None = None,
) -> Alert:
    """Write the alert, and its event into the outbox, in the caller's transaction."""
    silence = _silence(session, model.id)
    alert = Alert(
        id=new_id(),
        incident_id=incident.id,
        report_id=report.id if report else None,
        kind=kind,
        severity=incident.severity,
        message=message,
        silence_id=silence.id if silence else None,
    )
    if silence is None:
        event = _event(alert, incident, model, report)
        alert.event_id = event.id
        outbox.add(session, Topic.ALERTS, event)
    session.add(alert)
    session.flush()
    return alert


def _event(alert: Alert, incident: Incident, model: Model, report: DriftReport | None) -> Event:
    data = {
        "alert_id": str(alert.id),
        "incident_id": str(incident.id),
        "report_id": str(report.id) if report else None,
        "model_id": str(model.id),
        "kind": alert.kind,
        "severity": alert.severity,
        "cause": incident.cause,
        "message": alert.message,
        "p_value": report.p_value if report else None,
        "level": report.level if report else None,
        "window_start": report.window_start.isoformat() if report else None,
        "window_end": report.window_end.isoformat() if report else None,
    }
    kind = EventType[f"ALERT_{AlertKind(alert.kind).name}"]
    return Event(type=kind, source=SOURCE, subject=model.version, data=data)


def _silence(session: Session, model_id: uuid.UUID) -> Silence | None:
    now = datetime.datetime.now(tz=datetime.UTC)
    return session.scalar(
        select(Silence)
        .where(
            (Silence.model_id == model_id) | Silence.model_id.is_(None),
            Silence.starts_at <= now,
            Silence.ends_at > now,
        )
        .limit(1)
    )
