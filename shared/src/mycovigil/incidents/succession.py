"""What becomes of the incident of a model that leaves production, or comes back."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.baselines import baseline as baselines
from mycovigil.db.alert import (
    Alert,
    AlertKind,
    EndedBy,
    Incident,
    IncidentKind,
    IncidentState,
    Severity,
)
from mycovigil.db.baseline import BaselineReason
from mycovigil.db.model import Model
from mycovigil.db.report import DriftReport
from mycovigil.incidents import alert, audit, certificate, new_normal, retraining
from mycovigil.incidents.incident import (
    MISSED_DEADLY,
    close,
    left_with,
    store_proof,
    unresolved,
)
from mycovigil.models.safety import CertificateStatus

# Ends of a drift after which days are as they were before it.
OVER = (EndedBy.CALM, EndedBy.PERSON)


def supersede(session: Session, model: Model, *, by: Model, resolution: str) -> None:
    """End the incident of ``model``, which leaves production for ``by``, if ``by`` learned from
    labels of its days, which are the new normal then; or if only labels opened it, which refuted
    ``model`` alone. A drift goes on under any other model. The certificate of ``model`` stays in
    doubt, because nothing has shown that the drift is over."""
    incident = unresolved(session, model.id)
    if incident is None:
        return
    certain = model.certificate_state == CertificateStatus.VALID
    reason = "left production with an open incident"
    if certain:
        certificate.worsen(session, model, CertificateStatus.SUSPECT, reason)
    learned = retraining.taught(session, incident, by)
    if not learned and incident.cause != MISSED_DEADLY and _has_room(session, by, after=model):
        _take_over(session, incident, model, by, certain=certain)
        return
    incident.superseded_by_id = by.id
    ended_by = EndedBy.MODEL if learned else EndedBy.PERSON
    close(session, incident, model, resolution, ended_by)
    if learned and by.encoder_id == model.encoder_id:
        new_normal.begin(session, incident, BaselineReason.MODEL_LEARNED, note=resolution)


def resume(session: Session, model: Model, *, after: Model) -> Alert | None:
    """Open the incident again with which ``model``, now back in place of ``after``, left; one that
    it took over meanwhile takes its proof."""
    incident = left_with(session, model, after.id)
    if incident is None:
        _trust_again(session, model)
        return None
    if (taken_over := unresolved(session, model.id)) is not None:
        return _prove(session, taken_over, model, incident.proof)
    incident.state = IncidentState.OPEN
    incident.acknowledged_at = incident.acknowledged_by = None
    incident.resolved_at = incident.resolution = incident.superseded_by_id = None
    incident.ended_by = None
    session.flush()
    retraining.wait_again(session, incident)
    new_normal.take_back(session, incident)
    detail = f"back in production after model {after.version}"
    if model.certificate_state == CertificateStatus.VALID:  # a doubt by labels was lifted since
        reason = f"the incident that it left with is open again: it is {detail}"
        certificate.worsen(session, model, CertificateStatus.SUSPECT, reason)
    audit.record(session, who="mycovigil", action="reopened", on=incident, detail=detail)
    message = f"Incident of model {model.version} is open again: it is {detail}."
    return alert.publish(session, incident, model, AlertKind.OPENED, message)


def _trust_again(session: Session, model: Model) -> None:
    """Restore the certificate of ``model``, which left with a drift that another model took over,
    if the drift has ended since by calm or by a person's hand and no new normal began meanwhile."""
    if model.certificate_state != CertificateStatus.SUSPECT or unresolved(session, model.id):
        return
    handed_over = session.scalar(
        select(Incident)
        .join(DriftReport, DriftReport.id == Incident.report_id)
        .where(DriftReport.model_id == model.id, Incident.kind == IncidentKind.DRIFT)
        .order_by(Incident.opened_at.desc(), Incident.id.desc())
        .limit(1)
    )
    if handed_over is None or handed_over.model_id == model.id:
        return
    normal = baselines.current(session, model.encoder_id)
    if normal is not None and normal.started_at > handed_over.opened_at:
        return
    if handed_over.superseded_by_id is None and handed_over.ended_by in OVER:
        reason = f"the drift that it left with is over: {handed_over.resolution}"
        certificate.restore(session, model, reason)


def _prove(session: Session, incident: Incident, model: Model, proof: str | None) -> Alert | None:
    """The incident is one of a model that labels refuted earlier, with an alert unless it was
    critical."""
    if proof is None:
        return None
    published = incident.severity == Severity.CRITICAL
    incident.proof, incident.severity = proof, Severity.CRITICAL
    message = f"Model {model.version}, back in production, does harm: {proof}."
    kind = AlertKind.ESCALATED
    return None if published else alert.publish(session, incident, model, kind, message)


def _has_room(session: Session, by: Model, *, after: Model) -> bool:
    """Whether ``by`` can take over a drift: no drift of its own is open, or is opened again because
    it comes back in place of ``after``. One that labels alone opened leaves room."""
    own = left_with(session, by, after.id)
    reopened = own is not None and own.cause != MISSED_DEADLY
    return not reopened and unresolved(session, by.id) is None


def _take_over(
    session: Session, incident: Incident, model: Model, by: Model, *, certain: bool
) -> None:
    """``incident`` goes on as that of ``by``, which did not learn from labels of its days: with the
    alert that it had, the same days to compare nights with, and its retrain, whose candidate has to
    be compared with ``by``. What labels proved of ``model`` stays with it: they say nothing of
    ``by``. ``certain``: its doubts did not reach the certificate."""
    proof, incident.proof = incident.proof, None
    incident.model_id = by.id
    session.flush()
    if proof is not None:
        store_proof(session, model, incident.report_id, by.id, proof)
    retraining.begin_again(session, incident)
    if not certain and by.certificate_state == CertificateStatus.VALID:
        reason = f"took over an open drift that it did not learn from: {incident.cause}"
        certificate.worsen(session, by, CertificateStatus.SUSPECT, reason)
    detail = (
        f"model {by.version} took the place of {model.version} and did not learn from labels of "
        "these days"
    )
    audit.record(session, who="mycovigil", action="goes on", on=incident, detail=detail)
