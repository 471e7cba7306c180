"""Alerts of incidents and failed nights: the row and, unless a silence withholds it, the event."""

import datetime
import uuid

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from mycovigil.db.alert import Alert, AlertKind, Incident, Severity, Silence
from mycovigil.db.base import new_id
from mycovigil.db.model import Model
from mycovigil.db.report import DriftReport, ReportVerdict
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
    alert = Alert(
        id=new_id(),
        incident_id=incident.id,
        report_id=report.id if report else None,
        kind=kind,
        severity=incident.severity,
        message=message,
    )
    return _added(session, alert, incident, model, report)


def publish_failed_night(session: Session, model: Model, report: DriftReport) -> Alert:
    """As :func:`publish`, about a night that failed and is not tried again by itself."""
    attempts = "one attempt" if report.failures == 1 else f"{report.failures} attempts"
    night = f"{report.window_start:%Y-%m-%d %H:%M} to {report.window_end:%Y-%m-%d %H:%M} UTC"
    alert = Alert(
        id=new_id(),
        report_id=report.id,
        kind=AlertKind.NIGHT_FAILED,
        severity=Severity.WARNING,
        message=f"Model {model.version} was not judged from {night}, in {attempts}: "
        f"{report.problem}",
    )
    return _added(session, alert, None, model, report)


def release(session: Session) -> list[Alert]:
    """Publish the newest alert of each incident that a silence withheld, once the silence is over,
    and those of nights that have not been judged since.

    ``resolved`` is published only if an earlier event of the incident was.
    """
    released = []
    for alert in [*_withheld(session), *_withheld_nights(session)]:
        session.refresh(alert, with_for_update=True)
        incident = session.get_one(Incident, alert.incident_id) if alert.incident_id else None
        report = session.get_one(DriftReport, alert.report_id) if alert.report_id else None
        model = session.get_one(Model, _model_id(incident, report))
        if alert.event_id is None and _silence(session, model.id) is None:
            _send(session, alert, incident, model, report)
            released.append(alert)
    session.flush()
    return released


def _withheld(session: Session) -> list[Alert]:
    newest = (
        select(Alert.id)
        .where(Alert.incident_id.is_not(None))
        .ext(distinct_on(Alert.incident_id))
        .order_by(Alert.incident_id, Alert.id.desc())
    )
    published = select(Alert.incident_id).where(Alert.event_id.is_not(None))
    due = (Alert.kind != AlertKind.RESOLVED) | Alert.incident_id.in_(published)
    withheld = (Alert.event_id.is_(None), Alert.silence_id.is_not(None), Alert.id.in_(newest), due)
    return list(session.scalars(select(Alert).where(*withheld).order_by(Alert.id)))


def _withheld_nights(session: Session) -> list[Alert]:
    return list(
        session.scalars(
            select(Alert)
            .join(DriftReport, DriftReport.id == Alert.report_id)
            .where(
                Alert.kind == AlertKind.NIGHT_FAILED,
                Alert.event_id.is_(None),
                Alert.silence_id.is_not(None),
                DriftReport.verdict == ReportVerdict.FAILED,
            )
            .order_by(Alert.id)
        )
    )


def _model_id(incident: Incident | None, report: DriftReport | None) -> uuid.UUID | None:
    about = incident or report
    return about.model_id if about else None


def _added(
    session: Session,
    alert: Alert,
    incident: Incident | None,
    model: Model,
    report: DriftReport | None,
) -> Alert:
    silence = _silence(session, model.id)
    if silence is None:
        _send(session, alert, incident, model, report)
    else:
        alert.silence_id = silence.id
    session.add(alert)
    session.flush()
    return alert


def _send(
    session: Session,
    alert: Alert,
    incident: Incident | None,
    model: Model,
    report: DriftReport | None,
) -> None:
    if incident is not None:
        event = _event(alert, incident, model, report)
    else:
        assert report is not None
        event = _night_event(alert, model, report)
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


def _night_event(alert: Alert, model: Model, report: DriftReport) -> Event:
    data = {
        "alert_id": str(alert.id),
        "report_id": str(report.id),
        "model_id": str(model.id),
        "severity": alert.severity,
        "message": alert.message,
        "attempts": report.failures,
        "window_start": report.window_start.isoformat(),
        "window_end": report.window_end.isoformat(),
    }
    return Event(type=EventType.NIGHT_FAILED, source=SOURCE, subject=model.version, data=data)


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
