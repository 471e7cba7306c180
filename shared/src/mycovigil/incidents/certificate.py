"""The certificate of a model in service: drift makes it worse, a resolved incident restores it,
unless labels refuted it."""

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from mycovigil.db.alert import Incident
from mycovigil.db.model import Model
from mycovigil.incidents import audit
from mycovigil.models import registry
from mycovigil.models.safety import CertificateStatus, doubted

# From best to worst. ``not_certifiable`` is none of them: there is no bound to doubt.
DOUBT = (CertificateStatus.VALID, CertificateStatus.SUSPECT, CertificateStatus.VOID)
# Key in the model's certificate: why labels of single nights contradict the bound.
BY_LABELS = "label_doubt"


def worsen(session: Session, model: Model, state: CertificateStatus, reason: str) -> None:
    """Set ``state``, unless the certificate is worse already or the model is not certifiable."""
    current = CertificateStatus(model.certificate_state)
    if current in DOUBT and DOUBT.index(state) >= DOUBT.index(current):
        _set(session, model, state, reason)


def restore(session: Session, model: Model, reason: str) -> None:
    """Set the status that calibration supported, at best suspect while labels contradict it. One
    that labels refuted stays void, whatever ends the incident: another model has another one. One
    that was void by an estimate alone, in release 0.1, does not."""
    if model.certificate_state == CertificateStatus.VOID and refuted(session, model):
        return
    doubts = [model.certificate.get("doubt"), model.certificate.get(BY_LABELS)]
    state = doubted(model.certificate["state"], doubts[-1])
    _set(session, model, state, "; ".join(filter(None, (reason, *doubts))))


def refuted(session: Session, model: Model) -> bool:
    """Whether labels proved harm of this very model, in any incident of it."""
    proofs = select(Incident.id).where(Incident.model_id == model.id, Incident.proof.is_not(None))
    return bool(session.scalar(select(exists(proofs))))


def doubt_by_labels(session: Session, model: Model, doubt: str | None, *, calm: bool) -> None:
    """Store why labels of single nights contradict the bound, and make the certificate suspect; or
    lift that doubt, and restore the certificate if the model is ``calm``: without an incident."""
    before = model.certificate.get(BY_LABELS)
    if before == doubt:
        return
    model.certificate = model.certificate | {BY_LABELS: doubt}
    if doubt is not None:
        worsen(session, model, CertificateStatus.SUSPECT, doubt)
    elif calm and model.certificate_state == CertificateStatus.SUSPECT:
        restore(session, model, "labels of later nights agree with the bound")


def doubt_by_acceptance(session: Session, model: Model, reason: str) -> None:
    """A person accepted other days as normal than those of the calibration: the bound is in doubt
    from now on, also when later incidents end."""
    doubt = f"a new normal was accepted, which calibration has not seen: {reason}"
    state = doubted(model.certificate["state"], doubt)
    model.certificate = model.certificate | {"state": state.value, "doubt": doubt}
    worsen(session, model, CertificateStatus.SUSPECT, doubt)


def _set(session: Session, model: Model, state: CertificateStatus, reason: str) -> None:
    if model.certificate_state != state:
        action = f"certificate {state}"
        audit.record(session, who="mycovigil", action=action, on=model, detail=reason)
    model.certificate_state = state
    model.certificate_reason = reason
    registry.announce(session)
