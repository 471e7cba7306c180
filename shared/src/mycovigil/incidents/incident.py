"""Incidents: opened, escalated and resolved, each with its alert and event in one transaction.

A drift ends by a model that learned from labels of its days and passed the gate, by a person who
accepts the new normal or resolves it, or by calm: nights that show that the shift is gone. Any
other model that takes the place of the one in production takes over its drift. One that labels
proved (``proof``) does not end by calm: nights that look alike do not refute labels.
"""

import datetime
import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.alert import (
    Alert,
    AlertKind,
    EndedBy,
    Incident,
    IncidentKind,
    IncidentState,
    Severity,
)
from mycovigil.db.base import new_id
from mycovigil.db.baseline import BaselineReason
from mycovigil.db.model import Model, ModelStatus, Promotion, PromotionDecision
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.incidents import alert, alert_rules, certificate, new_normal, retraining
from mycovigil.incidents.alert_rules import Finding
from mycovigil.models.safety import CertificateStatus
from mycovigil.postgres.row_lock import locked

# Cause of an incident that labels opened: no drift was seen, and deadly photos were missed.
MISSED_DEADLY = "missed_deadly"


def respond(
    session: Session,
    report: DriftReport,
    *,
    harmful: bool = False,
    confined_to: str | None = None,
) -> Alert | None:
    """Open or escalate the incident of the report's model, as the alert rules say.

    A drift of one client's refused photos alone (``confined_to`` it) leaves the certificate as it
    is: the answers to others are what they were.

    Returns the alert, if there is one; nights of the demo model have none. The caller commits it
    together with the report.
    """
    if session.get_one(Model, report.model_id).demo:
        return None
    incident = unresolved(session, report.model_id)
    cause = report.cause or "unknown"
    finding = Finding(ReportVerdict(report.verdict), cause, harmful, confined_to)
    severity = Severity(incident.severity) if incident else None
    match alert_rules.decide(finding, severity):
        case AlertKind.OPENED:
            return _open(session, report, finding)
        case AlertKind.ESCALATED if incident is not None:
            return _escalate(session, incident, report, finding)
        case _:
            if finding.verdict is ReportVerdict.DRIFT and incident and incident.proof is None:
                model = session.get_one(Model, report.model_id)
                if model.certificate_state == CertificateStatus.VALID:  # others' photos, too, now
                    _doubt(session, model, finding)
            return None


def confirm_harm(session: Session, report: DriftReport, *, found: str) -> Alert | None:
    """Void the certificate: labels show that deadly photos of a window were missed too often.

    The model's incident becomes critical, or a critical one is opened, with one alert. For a model
    that left production the proof is only stored, for a rollback that brings it back.

    Raises:
        LookupError: there is no such model.
    """
    model = locked_model(session, report.model_id)
    if model.demo:  # it promises nothing, and alerts nobody
        return None
    certificate.worsen(session, model, CertificateStatus.VOID, found)
    if model.status != ModelStatus.PRODUCTION:
        _prove_afterwards(session, model, report, found)
        return None
    incident = unresolved(session, model.id)
    published = incident is not None and incident.severity == Severity.CRITICAL
    kind = AlertKind.ESCALATED if incident else AlertKind.OPENED
    incident = incident or _incident(session, report, MISSED_DEADLY, Severity.CRITICAL)
    incident.severity = Severity.CRITICAL
    incident.proof = found
    message = f"Model {model.version} does harm: {found}."
    return None if published else alert.publish(session, incident, model, kind, message, report)


def locked_model(session: Session, model_id: uuid.UUID) -> Model:
    """The model, read again and locked: whoever changes its incident or certificate takes the lock
    first, so that a promotion waits and then finds the incident.

    Raises:
        LookupError: there is no such model.
    """
    model = locked(session, Model, model_id, keys_may_be_read=True)
    if model is None:
        raise LookupError(f"there is no model {model_id}")
    return model


def unresolved(
    session: Session, model_id: uuid.UUID, kind: IncidentKind = IncidentKind.DRIFT
) -> Incident | None:
    """The incident of a model and kind that is open or acknowledged."""
    return session.scalar(
        select(Incident).where(
            Incident.model_id == model_id,
            Incident.kind == kind,
            Incident.state != IncidentState.RESOLVED,
        )
    )


def acknowledge(incident: Incident, *, who: str) -> None:
    """Mark an open incident as acknowledged; others are left as they are."""
    if incident.state == IncidentState.OPEN:
        incident.state = IncidentState.ACKNOWLEDGED
        incident.acknowledged_at = datetime.datetime.now(tz=datetime.UTC)
        incident.acknowledged_by = who


def resolve(
    session: Session,
    incident: Incident,
    *,
    resolution: str,
    ended_by: EndedBy = EndedBy.PERSON,
    report: DriftReport | None = None,
) -> Alert:
    """Resolve the incident; the end of a drift restores the certificate that calibration supported
    unless labels refuted it, that of a skew says nothing of it."""
    model = locked_model(session, incident.model_id)
    if incident.kind == IncidentKind.DRIFT:
        certificate.restore(session, model, f"incident resolved: {resolution}")
    return close(session, incident, model, resolution, ended_by, report)


def accept(
    session: Session, incident: Incident, *, who: str, reason: str, season: bool = False
) -> Alert:
    """A person accepts the new normal: nights are compared with the incident's own days from now
    on, or with accepted days of the same season of earlier years. The certificate stays in doubt:
    its calibration has not seen these days.

    Raises:
        NotPossible: there are too few days of the season.
    """
    model = locked_model(session, incident.model_id)
    why = BaselineReason.SEASON if season else BaselineReason.ACCEPTED
    new_normal.begin(session, incident, why, accepted_by=who, note=reason)
    certificate.doubt_by_acceptance(session, model, reason)
    resolution = f"new normal accepted by {who}: {reason}"
    return close(session, incident, model, resolution, EndedBy.ACCEPTED)


def left_with(session: Session, model: Model, successor: uuid.UUID) -> Incident | None:
    """The incident that ended because ``successor`` took the model's place."""
    return session.scalar(
        select(Incident)
        .where(Incident.model_id == model.id, Incident.superseded_by_id == successor)
        .order_by(Incident.opened_at.desc(), Incident.id.desc())
        .limit(1)
    )


def _prove_afterwards(session: Session, model: Model, report: DriftReport, found: str) -> None:
    """Store ``found`` for a rollback to the model, which left production."""
    successor = session.scalar(
        select(Promotion.model_id)
        .where(Promotion.replaced_id == model.id, Promotion.decision != PromotionDecision.REFUSED)
        .order_by(Promotion.created_at.desc(), Promotion.id.desc())
        .limit(1)
    )
    if successor is None:
        return
    store_proof(session, model, report.id, successor, found)


def store_proof(
    session: Session, model: Model, report_id: uuid.UUID, successor: uuid.UUID, found: str
) -> None:
    """Store ``found`` as the proof of the incident that ended because ``successor`` took the
    model's place, or of a new one that is resolved from the start; a rollback to the model reopens
    it."""
    incident = left_with(session, model, successor)
    if incident is not None:
        incident.severity = Severity.CRITICAL
        incident.proof = found
        return
    session.add(
        Incident(
            id=new_id(),
            model_id=model.id,
            report_id=report_id,
            state=IncidentState.RESOLVED,
            severity=Severity.CRITICAL,
            cause=MISSED_DEADLY,
            resolved_at=datetime.datetime.now(tz=datetime.UTC),
            resolution="the model had left production",
            ended_by=EndedBy.PERSON,
            superseded_by_id=successor,
            proof=found,
        )
    )
    session.flush()


def _incident(session: Session, report: DriftReport, cause: str, severity: Severity) -> Incident:
    incident = Incident(
        id=new_id(),
        model_id=report.model_id,
        report_id=report.id,
        state=IncidentState.OPEN,
        severity=severity,
        cause=cause,
    )
    session.add(incident)
    session.flush()
    return incident


def _open(session: Session, report: DriftReport, finding: Finding) -> Alert:
    model = session.get_one(Model, report.model_id)
    incident = _incident(session, report, finding.cause, alert_rules.severity_of(finding))
    _doubt(session, model, finding)
    message = f"Drift of model {model.version}: {_describe(report, finding)}"
    return alert.publish(session, incident, model, AlertKind.OPENED, message, report)


def _escalate(session: Session, incident: Incident, report: DriftReport, finding: Finding) -> Alert:
    model = session.get_one(Model, report.model_id)
    incident.severity = Severity.CRITICAL
    incident.cause = finding.cause
    _doubt(session, model, finding)
    message = f"Drift of model {model.version} became worse: {_describe(report, finding)}"
    return alert.publish(session, incident, model, AlertKind.ESCALATED, message, report)


def close(
    session: Session,
    incident: Incident,
    model: Model,
    resolution: str,
    ended_by: EndedBy,
    report: DriftReport | None = None,
) -> Alert:
    """Resolve the incident, with its job and its alert, whatever becomes of the certificate."""
    incident.state = IncidentState.RESOLVED
    incident.resolved_at = datetime.datetime.now(tz=datetime.UTC)
    incident.resolution = resolution
    incident.ended_by = ended_by
    session.flush()
    retraining.cancel(session, incident)
    message = f"{incident.kind.capitalize()} of model {model.version} resolved: {resolution}."
    return alert.publish(session, incident, model, AlertKind.RESOLVED, message, report)


def _doubt(session: Session, model: Model, finding: Finding) -> None:
    """Whatever a night's estimate says, only labels refute (:func:`confirm_harm`)."""
    if finding.doubtful:
        reason = f"drift since the last report: {finding.cause}"
        certificate.worsen(session, model, CertificateStatus.SUSPECT, reason)


def _describe(report: DriftReport, finding: Finding) -> str:
    p_value = "unknown" if report.p_value is None else f"{report.p_value:.2g}"
    whole = report.p_value is None or report.level is None or report.p_value <= report.level
    where = "" if whole else " as a whole, but a predicted class drifted by itself"
    cause = finding.cause.replace("_", " ")
    client = finding.confined_to
    confined = "" if finding.doubtful else f"; only refused photos of client {client} drifted"
    return f"p = {p_value} on {report.rows} photos{where}, cause: {cause}{confined}."
