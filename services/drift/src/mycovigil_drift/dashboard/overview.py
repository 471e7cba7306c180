"""What the first screen knows: the state of the watch, its nights, and what was done."""

import datetime
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, defer

from mycovigil.db.alert import Incident, IncidentState
from mycovigil.db.model import Model, Promotion
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.db.retrain import JobState, RetrainJob
from mycovigil.incidents import incident as incidents
from mycovigil.incidents.monitoring import neglect
from mycovigil.models import registry
from mycovigil.models.safety import CertificateState, doubted
from mycovigil.settings import DriftSettings
from mycovigil_drift.dashboard.charts.timeline import Happening
from mycovigil_drift.incidents.queries import explanation
from mycovigil_drift.models import queries as models
from mycovigil_drift.reports.queries import HEAVY


@dataclass(frozen=True, slots=True)
class Watch:
    """The production model and what stands about it; all empty before the first model."""

    model: Model | None
    incident: Incident | None
    last: DriftReport | None
    """The newest night's report of the production model."""
    cause: DriftReport | None
    """The report that explains the incident: its newest drift."""
    action: RetrainJob | Promotion | None
    calm_since: datetime.datetime | None
    """When the last incident was over, or the first model went live."""
    doubt: str | None = None
    """Why the predictor vouches for less than the model's row says: nobody judges its nights."""

    @property
    def certificate(self) -> CertificateState | None:
        """As the predictor answers with it today."""
        return doubted(self.model.certificate_state, self.doubt) if self.model else None


@dataclass(frozen=True, slots=True)
class Tally:
    photos: int
    nights: int
    incidents: int
    retrains: int
    promotions: int


def watch(session: Session, drift: DriftSettings) -> Watch:
    """What there is to say about the production model now."""
    production = registry.production(session)
    if production is None:
        return Watch(None, None, None, None, None, None)
    model = production.model
    incident = incidents.unresolved(session, model.id)
    nights = select(DriftReport).where(DriftReport.model_id == model.id, DriftReport.periods == 1)
    last = session.scalar(nights.order_by(DriftReport.window_end.desc()).limit(1))
    return Watch(
        model=model,
        incident=incident,
        last=last,
        cause=explanation(session, incident) if incident else None,
        action=_action(session, incident),
        calm_since=_calm_since(session),
        doubt=neglect(session, model.id, drift),
    )


def nights(session: Session, *, count: int, model_id: uuid.UUID | None = None) -> list[DriftReport]:
    """Reports of the last ``count`` nights, of every length and model, oldest first."""
    light = select(DriftReport).options(*(defer(column) for column in HEAVY))
    if model_id is not None:
        light = light.where(DriftReport.model_id == model_id)
    newest = light.where(DriftReport.periods == 1).order_by(DriftReport.window_end.desc())
    found = list(session.scalars(newest.limit(count)))
    if not found:
        return []
    since = min(report.window_end for report in found)
    longer = light.where(DriftReport.periods > 1, DriftReport.window_end >= since)
    found += session.scalars(longer)
    return sorted(found, key=lambda report: (report.window_end, report.periods))


def happenings(
    session: Session, since: datetime.datetime, now: datetime.datetime
) -> list[Happening]:
    """Incidents, retrains and promotions since a moment."""
    return [
        *_incident_happenings(session, since, now),
        *_retrain_happenings(session, since),
        *_promotion_happenings(session, since),
    ]


def tally(session: Session) -> Tally:
    """Counts over all time; photos are those of judged nights, and pooled ones with them."""
    photos = func.coalesce(func.sum(DriftReport.rows), 0)
    verdicts = DriftReport.verdict.in_((ReportVerdict.CALM, ReportVerdict.DRIFT))
    nights = select(photos, func.count()).where(DriftReport.periods == 1, verdicts)
    judged = session.execute(nights).one()
    others = [
        session.scalar(select(func.count()).select_from(table)) or 0
        for table in (Incident, RetrainJob, Promotion)
    ]
    return Tally(int(judged[0]), judged[1], *others)


def _calm_since(session: Session) -> datetime.datetime | None:
    over = session.scalar(select(func.max(Incident.resolved_at)))
    return over or session.scalar(select(func.min(Model.promoted_at)))


def _action(session: Session, incident: Incident | None) -> RetrainJob | Promotion | None:
    """What answers the incident; without one, the newest decision of the gate."""
    if incident is not None:
        return session.scalar(select(RetrainJob).where(RetrainJob.incident_id == incident.id))
    newest = models.promotions(session)
    return newest[0] if newest else None


def _incident_happenings(
    session: Session, since: datetime.datetime, now: datetime.datetime
) -> list[Happening]:
    """From the bad night's start, so that the bar stands below its point."""
    rows = session.execute(
        select(Incident, DriftReport.window_start)
        .join(DriftReport, DriftReport.id == Incident.report_id)
        .where(func.coalesce(Incident.resolved_at, now) >= since)
    )
    found = []
    for incident, start in rows:
        over = incident.state == IncidentState.RESOLVED
        title = f"Incident, {incident.state}: {incident.cause.replace('_', ' ')}"
        end = max(incident.resolved_at or now, start)
        tone = "muted" if over else "bad"
        found.append(Happening(start, end, "incident", tone, title, f"/incidents/{incident.id}"))
    return found


def _retrain_happenings(session: Session, since: datetime.datetime) -> list[Happening]:
    jobs: Sequence[RetrainJob] = session.scalars(
        select(RetrainJob).where(RetrainJob.created_at >= since)
    ).all()
    tones = {JobState.SUCCEEDED: "good", JobState.FAILED: "bad"}
    return [
        Happening(
            job.created_at,
            None,
            "retrain",
            tones.get(JobState(job.state), "unsure"),
            f"Retrain {job.state}",
            f"/retrain-jobs/{job.id}",
        )
        for job in jobs
    ]


def _promotion_happenings(session: Session, since: datetime.datetime) -> list[Happening]:
    rows = session.execute(
        select(Promotion, Model.version)
        .join(Model, Model.id == Promotion.model_id)
        .where(Promotion.created_at >= since)
    )
    names = {
        "refused": ("refusal", "bad", "The gate refused model"),
        "rollback": ("promotion", "unsure", "Rolled back to model"),
    }
    found = []
    for promotion, version in rows:
        glyph, tone, said = names.get(promotion.decision, ("promotion", "good", "Promoted model"))
        place = f"/models/{promotion.model_id}"
        title = f"{said} {version}"
        found.append(Happening(promotion.created_at, None, glyph, tone, title, place))
    return found
