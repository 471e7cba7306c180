"""The certificate of a model in service: drift makes it worse, a resolved incident restores it."""

from sqlalchemy.orm import Session

from mycovigil.db.model import Model
from mycovigil.incidents import audit
from mycovigil.models import registry
from mycovigil.models.safety import CertificateStatus

# From best to worst. ``not_certifiable`` is none of them: there is no bound to doubt.
DOUBT = (CertificateStatus.VALID, CertificateStatus.SUSPECT, CertificateStatus.VOID)


def worsen(session: Session, model: Model, state: CertificateStatus, reason: str) -> None:
    """Set ``state``, unless the certificate is worse already or the model is not certifiable."""
    current = CertificateStatus(model.certificate_state)
    if current in DOUBT and DOUBT.index(state) >= DOUBT.index(current):
        _set(session, model, state, reason)


def restore(session: Session, model: Model, reason: str) -> None:
    """Set the status that calibration supported, with its doubt if there is one."""
    doubt = model.certificate.get("doubt")
    reason = "; ".join(filter(None, (reason, doubt)))
    _set(session, model, CertificateStatus(model.certificate["state"]), reason)


def _set(session: Session, model: Model, state: CertificateStatus, reason: str) -> None:
    if model.certificate_state != state:
        action = f"certificate {state}"
        audit.record(session, who="mycovigil", action=action, on=model, detail=reason)
    model.certificate_state = state
    model.certificate_reason = reason
    registry.announce(session)
