"""Alerts of incidents: the row and, unless a silence withholds it, the event."""

import datetime
import uuid

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from mycovigil.db.alert import Alert, AlertKind, Incident, Silence
from mycovigil.db.base import new_id
from mycovigil.db.model import Model
from mycovigil.db.report import DriftReport
from mycovigil.events import outbox
from mycovigil.events.event import Event, EventType, Topic

SOURCE = "/mycovigil/incidents"


def publish(
    session: Session,
    incident: Incident,
    model: Model,
    kind: AlertKind,
    message: str,
    report: DriftReport | None = None,
) -> Alert:
    """Add the alert, and its event to the outbox, in the caller's transaction.

    During a silence the event is withheld until :func:`release`.
    """
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
        _send(session, alert, incident, model, report)
    session.add(alert)
    session.flush()
    return alert


def release(session: Session) -> list[Alert]:
    """Publish the newest alert of each incident that a silence withheld, once the silence is over.

    ``resolved`` is published only if an earlier event of the incident was.
    """
    released = []
    for alert in _withheld(session):
        session.refresh(alert, with_for_update=True)
        incident = session.get_one(Incident, alert.incident_id)
        model = session.get_one(Model, incident.model_id)
        if alert.event_id is None and _silence(session, model.id) is None:
            report = session.get_one(DriftReport, alert.report_id) if alert.report_id else None
            _send(session, alert, incident, model, report)
            released.append(alert)
    session.flush()
    return released


def _withheld(session: Session) -> list[Alert]:
    newest = (
        select(Alert.id)
        .ext(distinct_on(Alert.incident_id))
        .order_by(Alert.incident_id, Alert.id.desc())
    )
    published = select(Alert.incident_id).where(Alert.event_id.is_not(None))
    due = (Alert.kind != AlertKind.RESOLVED) | Alert.incident_id.in_(published)
    withheld = (Alert.event_id.is_(None), Alert.silence_id.is_not(None), Alert.id.in_(newest), due)
    return list(session.scalars(select(Alert).where(*withheld).order_by(Alert.id)))


def _send(
    session: Session, alert: Alert, incident: Incident, model: Model, report: DriftReport | None
) -> None:
    event = _event(alert, incident, model, report)
    alert.event_id = event.id
    outbox.add(session, Topic.ALERTS, event)


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
