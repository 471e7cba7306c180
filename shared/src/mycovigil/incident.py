"""Incidents: opened, escalated and resolved, each with its alert and event in one transaction."""

import datetime
import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil import alert_rules, audit, outbox, registry
from mycovigil.alert_rules import Finding, Standing
from mycovigil.db.alert import Alert, AlertKind, Incident, IncidentState, Severity, Silence
from mycovigil.db.base import new_id
from mycovigil.db.model import Model
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.event import Event, EventType, Topic
from mycovigil.safety import CertificateState

SOURCE = "/mycovigil/incidents"


def respond(session: Session, report: DriftReport, *, harmful: bool = False) -> Alert | None:
    """Do what the alert rules ask for after ``report``; the caller commits both together."""
    incident = unresolved(session, report.model_id)
    cause = report.cause or "unknown"
    finding = Finding(ReportVerdict(report.verdict), cause, harmful)
    match alert_rules.decide(finding, _standing(session, report, incident)):
        case AlertKind.OPENED:
            return _open(session, report, finding)
        case AlertKind.ESCALATED if incident is not None:
            return _escalate(session, incident, report, finding)
        case AlertKind.RESOLVED if incident is not None:
            return resolve(session, incident, resolution="calm again", report=report)
        case _:
            if incident is not None and finding.verdict is ReportVerdict.DRIFT and harmful:
                _doubt(session, session.get_one(Model, report.model_id), finding)
            return None


def confirm_harm(session: Session, report: DriftReport, *, found: str) -> Alert | None:
    """Labels show that deadly photos of a window were missed too often: the certificate is void.

    Only while an incident is open that began with this window or before it; it becomes critical,
    and says so once.
    """
    incident = unresolved(session, report.model_id)
    if incident is None:
        return None
    model = session.get_one(Model, report.model_id)
    opened = session.get_one(DriftReport, incident.report_id)
    doubtable = {CertificateState.VALID, CertificateState.SUSPECT}
    if report.window_end < opened.window_end or model.certificate_state not in doubtable:
        return None
    _set_certificate(session, model, CertificateState.VOID, found)
    if incident.severity == Severity.CRITICAL:
        return None
    incident.severity = Severity.CRITICAL
    message = f"Drift of model {model.version} does harm: {found}."
    return _alert(session, incident, model, AlertKind.ESCALATED, message, report)


def unresolved(session: Session, model_id: uuid.UUID) -> Incident | None:
    """The incident of a model that is open or acknowledged."""
    return session.scalar(
        select(Incident).where(
            Incident.model_id == model_id, Incident.state != IncidentState.RESOLVED
        )
    )


def acknowledge(incident: Incident, *, who: str) -> None:
    """Somebody is looking at it; resolved incidents stay resolved."""
    if incident.state == IncidentState.OPEN:
        incident.state = IncidentState.ACKNOWLEDGED
        incident.acknowledged_at = datetime.datetime.now(tz=datetime.UTC)
        incident.acknowledged_by = who


def resolve(
    session: Session, incident: Incident, *, resolution: str, report: DriftReport | None = None
) -> Alert:
    """Close the incident; the model's certificate returns to what calibration supported."""
    incident.state = IncidentState.RESOLVED
    incident.resolved_at = datetime.datetime.now(tz=datetime.UTC)
    incident.resolution = resolution
    model = session.get_one(Model, incident.model_id)
    certified = CertificateState(model.certificate["state"])
    _set_certificate(session, model, certified, f"incident resolved: {resolution}")
    message = f"Drift of model {model.version} resolved: {resolution}."
    return _alert(session, incident, model, AlertKind.RESOLVED, message, report)


def _open(session: Session, report: DriftReport, finding: Finding) -> Alert:
    model = session.get_one(Model, report.model_id)
    incident = Incident(
        id=new_id(),
        model_id=model.id,
        report_id=report.id,
        state=IncidentState.OPEN,
        severity=alert_rules.severity_of(finding),
        cause=finding.cause,
    )
    session.add(incident)
    session.flush()
    _doubt(session, model, finding)
    message = f"Drift of model {model.version}: {_describe(report, finding)}"
    return _alert(session, incident, model, AlertKind.OPENED, message, report)


def _escalate(session: Session, incident: Incident, report: DriftReport, finding: Finding) -> Alert:
    model = session.get_one(Model, report.model_id)
    incident.severity = Severity.CRITICAL
    incident.cause = finding.cause
    _doubt(session, model, finding)
    message = f"Drift of model {model.version} became worse: {_describe(report, finding)}"
    return _alert(session, incident, model, AlertKind.ESCALATED, message, report)


def _doubt(session: Session, model: Model, finding: Finding) -> None:
    if model.certificate_state == CertificateState.NOT_CERTIFIABLE:
        return
    state = CertificateState.VOID if finding.harmful else CertificateState.SUSPECT
    _set_certificate(session, model, state, f"drift since the last report: {finding.cause}")


def _set_certificate(session: Session, model: Model, state: CertificateState, reason: str) -> None:
    if model.certificate_state != state:
        action = f"certificate {state}"
        audit.record(session, who="mycovigil", action=action, on=model, detail=reason)
    model.certificate_state = state
    model.certificate_reason = reason
    registry.announce(session)


def _describe(report: DriftReport, finding: Finding) -> str:
    p_value = "unknown" if report.p_value is None else f"{report.p_value:.2g}"
    cause = finding.cause.replace("_", " ")
    return f"p = {p_value} on {report.rows} photos, cause: {cause}."


def _alert(
    session: Session,
    incident: Incident,
    model: Model,
    kind: AlertKind,
    message: str,
    report: DriftReport | None,
) -> Alert:
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


def _standing(session: Session, report: DriftReport, incident: Incident | None) -> Standing:
    if incident is None:
        return Standing(None, None)
    before = session.scalars(
        select(DriftReport.verdict)
        .where(
            DriftReport.model_id == report.model_id,
            DriftReport.id != report.id,
            DriftReport.periods == report.periods,
            DriftReport.window_end <= report.window_start,
        )
        .order_by(DriftReport.window_end.desc())
        .limit(alert_rules.CALM_TO_RESOLVE)
    ).all()
    calm = 0
    for verdict in before:
        if verdict != ReportVerdict.CALM:
            break
        calm += 1
    return Standing(IncidentState(incident.state), Severity(incident.severity), calm)
