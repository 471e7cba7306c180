"""Incidents as they come about: by a report of drift and the alert rules."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.alert import Alert, Incident
from mycovigil.db.report import DriftReport
from mycovigil.incidents import incident


def make_incident(session: Session, report: DriftReport, *, harmful: bool = False) -> Incident:
    """The incident that ``report`` (a drift) opens, with its alert and event."""
    alert = incident.respond(session, report, harmful=harmful)
    assert alert is not None, "the rules asked for no alert: is the report a drift?"
    return session.scalars(select(Incident).where(Incident.id == alert.incident_id)).one()


def alert_of(session: Session, found: Incident) -> Alert:
    """The alert that opened it."""
    return session.scalars(
        select(Alert).where(Alert.incident_id == found.id).order_by(Alert.created_at).limit(1)
    ).one()
