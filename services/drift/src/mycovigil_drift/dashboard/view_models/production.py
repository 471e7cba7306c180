"""The status of the production model: its last night, its incident, and what was done."""

import datetime
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mycovigil.db.alert import Incident, IncidentKind
from mycovigil.db.model import Model, Promotion
from mycovigil.db.report import DriftReport
from mycovigil.db.retrain import RetrainJob
from mycovigil.incidents import incident as incidents
from mycovigil.incidents.monitoring import lapse
from mycovigil.models import registry
from mycovigil.models.safety import CertificateStatus, doubted
from mycovigil.settings import DriftSettings
from mycovigil_drift.resources import models
from mycovigil_drift.resources.incident_story import explanation


@dataclass(frozen=True, slots=True)
class ProductionStatus:
    """The production model and the rows about it; all empty before the first model.

    Attributes:
        last: the newest night's report.
        cause: the report that explains the incident: its newest drift.
        action: what answers the incident; without one, the newest decision of the gate.
        calm_since: when the last incident was resolved, or the first model was promoted.
        skew: the open incident of that kind; production differs from the training set, every night.
        doubt: why the predictor lowers the certificate's status: its nights are not judged.
    """

    model: Model | None
    incident: Incident | None
    last: DriftReport | None
    cause: DriftReport | None
    action: RetrainJob | Promotion | None
    calm_since: datetime.datetime | None
    doubt: str | None = None
    skew: Incident | None = None

    @property
    def certificate(self) -> CertificateStatus | None:
        """The certificate's status as the predictor answers with it now."""
        return doubted(self.model.certificate_state, self.doubt) if self.model else None

    @property
    def reason(self) -> str:
        """Why the certificate is in doubt or void; empty where it is neither."""
        if self.doubt or self.model is None:
            return self.doubt or ""
        in_doubt = self.certificate in (CertificateStatus.SUSPECT, CertificateStatus.VOID)
        return (self.model.certificate_reason or "") if in_doubt else ""


def status(session: Session, drift: DriftSettings) -> ProductionStatus:
    """The status of the production model now."""
    production = registry.production(session)
    if production is None:
        return ProductionStatus(None, None, None, None, None, None)
    model = production.model
    incident = incidents.unresolved(session, model.id)
    nights = select(DriftReport).where(DriftReport.model_id == model.id, DriftReport.periods == 1)
    return ProductionStatus(
        model=model,
        incident=incident,
        last=session.scalar(nights.order_by(DriftReport.window_end.desc()).limit(1)),
        cause=explanation(session, incident) if incident else None,
        action=_action(session, incident),
        calm_since=_calm_since(session),
        doubt=lapse(session, model.id, drift),
        skew=incidents.unresolved(session, model.id, IncidentKind.SKEW),
    )


def _calm_since(session: Session) -> datetime.datetime | None:
    resolved = session.scalar(select(func.max(Incident.resolved_at)))
    return resolved or session.scalar(select(func.min(Model.promoted_at)))


def _action(session: Session, incident: Incident | None) -> RetrainJob | Promotion | None:
    if incident is not None:
        return session.scalar(select(RetrainJob).where(RetrainJob.incident_id == incident.id))
    newest = models.promotions(session)
    return newest[0] if newest else None
