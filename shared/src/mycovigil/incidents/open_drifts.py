"""Which drifts production has still to answer. Light: the retrain trigger loads no mathematics."""

from sqlalchemy import ColumnElement

from mycovigil.db.alert import Incident, IncidentKind, IncidentState
from mycovigil.db.model import Model, ModelStatus


def drifts_of_production() -> tuple[ColumnElement[bool], ...]:
    """Conditions on incidents joined with their models: unresolved drifts of the production model,
    which a new model would resolve. A skew is no reason to train."""
    return (
        Incident.state != IncidentState.RESOLVED,
        Incident.kind == IncidentKind.DRIFT,
        Model.status == ModelStatus.PRODUCTION,
    )
