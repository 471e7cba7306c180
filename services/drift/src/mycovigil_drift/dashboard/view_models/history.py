"""What happened: reports of many nights, annotations of the time line, and counts."""

import datetime
import uuid
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mycovigil.db.alert import Incident, IncidentState
from mycovigil.db.model import Model, Promotion
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.db.retrain import JobState, RetrainJob
from mycovigil_drift.dashboard import formats
from mycovigil_drift.dashboard.charts.timeline import Annotation
from mycovigil_drift.resources.reports.queries import WITHOUT_DOCUMENTS

JOB_TONES = {JobState.SUCCEEDED: "good", JobState.FAILED: "bad", JobState.CANCELLED: "plain"}
# Shape, tone and title of a decision of the gate; all others are promotions.
DECISIONS = {
    "refused": ("refusal", "bad", "The gate refused model"),
    "rollback": ("promotion", "unsure", "Rolled back to model"),
}


@dataclass(frozen=True, slots=True)
class Tally:
    photos: int
    nights: int
    incidents: int
    retrains: int
    promotions: int


def nights(session: Session, *, count: int, model_id: uuid.UUID | None = None) -> list[DriftReport]:
    """Reports of the last ``count`` nights, and those of longer windows that end among them,
    oldest first; of one model, or of all."""
    light = select(DriftReport).options(*WITHOUT_DOCUMENTS)
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


def annotations(
    session: Session, since: datetime.datetime, now: datetime.datetime
) -> list[Annotation]:
    """Incidents, retrains and promotions since a moment."""
    return [
        *_incidents(session, since, now),
        *_retrains(session, since),
        *_promotions(session, since),
    ]


def tally(session: Session) -> Tally:
    """Counts over all time; photos are those of judged nights and of nights pooled with them."""
    photos = func.coalesce(func.sum(DriftReport.rows), 0)
    verdicts = DriftReport.verdict.in_((ReportVerdict.CALM, ReportVerdict.DRIFT))
    nights = select(photos, func.count()).where(DriftReport.periods == 1, verdicts)
    judged = session.execute(nights).one()
    others = [
        session.scalar(select(func.count()).select_from(table)) or 0
        for table in (Incident, RetrainJob, Promotion)
    ]
    return Tally(int(judged[0]), judged[1], *others)


def _incidents(
    session: Session, since: datetime.datetime, now: datetime.datetime
) -> list[Annotation]:
    """Each starts with the night that opened it, so that its bar lies below the night's point."""
    rows = session.execute(
        select(Incident, DriftReport.window_start)
        .join(DriftReport, DriftReport.id == Incident.report_id)
        .where(func.coalesce(Incident.resolved_at, now) >= since)
    )
    found = []
    for incident, start in rows:
        tone = "muted" if incident.state == IncidentState.RESOLVED else "bad"
        title = f"Incident, {incident.state}: {formats.plain(incident.cause)}"
        end = max(incident.resolved_at or now, start)
        found.append(Annotation(start, end, "incident", tone, title, f"/incidents/{incident.id}"))
    return found


def _retrains(session: Session, since: datetime.datetime) -> list[Annotation]:
    jobs = session.scalars(select(RetrainJob).where(RetrainJob.created_at >= since))
    return [
        Annotation(
            job.created_at,
            None,
            "retrain",
            JOB_TONES.get(JobState(job.state), "unsure"),
            f"Retrain {formats.plain(job.state)}",
            f"/retrain-jobs/{job.id}",
        )
        for job in jobs
    ]


def _promotions(session: Session, since: datetime.datetime) -> list[Annotation]:
    rows = session.execute(
        select(Promotion, Model.version)
        .join(Model, Model.id == Promotion.model_id)
        .where(Promotion.created_at >= since)
    )
    found = []
    for promotion, version in rows:
        default = ("promotion", "good", "Promoted model")
        glyph, tone, title = DECISIONS.get(promotion.decision, default)
        href = f"/models/{promotion.model_id}"
        found.append(
            Annotation(promotion.created_at, None, glyph, tone, f"{title} {version}", href)
        )
    return found
