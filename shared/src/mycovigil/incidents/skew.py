"""Incidents of kind ``skew``: production differs much from what the model learned from.

Opened once an encoder and training set, and ended by a person who accepts it with a note; that
holds for all later models on the encoder.
"""

import datetime
import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.baselines import skew as acceptances
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
from mycovigil.db.baseline import SkewAcceptance
from mycovigil.db.model import Model
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.incidents import alert

CAUSE = "skew"


def respond(session: Session, model: Model, report: DriftReport) -> Alert | None:
    """Open an incident for a large skew, unless there was one of the encoder and training set, or a
    person accepted it. A night that drifts differs from the training set because of its drift.

    The caller commits it together with the report.
    """
    skew = report.evidence.get("skew") or {}
    if model.demo or not skew.get("large") or report.verdict == ReportVerdict.DRIFT:
        return None
    training_set = skew["training_set"]
    if acceptances.acceptance(session, model.encoder_id, training_set) is not None:
        return None
    if _earlier(session, model.encoder_id, training_set):
        return None
    incident = Incident(
        id=new_id(),
        model_id=model.id,
        report_id=report.id,
        kind=IncidentKind.SKEW.value,
        state=IncidentState.OPEN,
        severity=Severity.WARNING,
        cause=CAUSE,
    )
    session.add(incident)
    session.flush()
    return alert.publish(session, incident, model, AlertKind.OPENED, _message(model, skew), report)


def accept(session: Session, incident: Incident, *, who: str, note: str) -> SkewAcceptance:
    """A person accepts the skew: the incident ends, and no later one is opened for its encoder and
    training set.

    Raises:
        ValueError: the incident is of another kind, or its report says nothing of skew.
    """
    report = session.get_one(DriftReport, incident.report_id)
    skew = report.evidence.get("skew")
    if incident.kind != IncidentKind.SKEW or not skew:
        raise ValueError("this incident is no skew: only a skew can be accepted as such")
    model = session.get_one(Model, incident.model_id)
    found = acceptances.accept(session, model.encoder_id, skew["training_set"], who=who, note=note)
    if incident.state != IncidentState.RESOLVED:
        incident.state = IncidentState.RESOLVED
        incident.resolved_at = datetime.datetime.now(tz=datetime.UTC)
        incident.resolution = f"skew accepted by {who}: {note}"
        incident.ended_by = EndedBy.ACCEPTED.value
        message = f"Skew of model {model.version} accepted: {note}"
        alert.publish(session, incident, model, AlertKind.RESOLVED, message, report)
    return found


def _earlier(session: Session, encoder_id: uuid.UUID, training_set: str) -> bool:
    """Whether any incident of the encoder was opened for this training set."""
    found = session.scalar(
        select(Incident.id)
        .join(Model, Model.id == Incident.model_id)
        .join(DriftReport, DriftReport.id == Incident.report_id)
        .where(
            Incident.kind == IncidentKind.SKEW,
            Model.encoder_id == encoder_id,
            DriftReport.evidence["skew"]["training_set"].astext == training_set,
        )
        .limit(1)
    )
    return found is not None


def _message(model: Model, skew: dict[str, float]) -> str:
    found = [f"a classifier tells {skew['auc']:.0%} of pairs apart (large from .75)"]
    if (novel := skew.get("novel")) is not None:
        found.append(f"{novel:.0%} of the photos lie beyond the novelty threshold (large from 10%)")
    return (
        f"Skew of model {model.version}: what it is sent differs from its training set: "
        f"{'; '.join(found)}."
    )
