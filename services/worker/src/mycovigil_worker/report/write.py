"""Write a judged report, its metrics, and the incident it calls for, in one short transaction."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from mycovigil.db.alert import Alert, Incident
from mycovigil.db.baseline import Baseline
from mycovigil.db.model import Model, ModelStatus
from mycovigil.db.report import UNJUDGED, DriftReport, ReportRequest, ReportVerdict
from mycovigil.incidents import alert, incident, skew
from mycovigil.settings import DriftSettings
from mycovigil_worker.days import entering
from mycovigil_worker.judging.judged_window import Origin, ReportSpec
from mycovigil_worker.report import metrics
from mycovigil_worker.report.draft import Draft
from mycovigil_worker.report.harm import Safety

POINTERS = (ReportRequest, Incident, Alert)


def write(
    session: Session, draft: Draft, drift: DriftSettings, now: datetime
) -> DriftReport | None:
    """Add the report to the caller's transaction; none if another worker's was written meanwhile.

    A report of the window that is failed, or had no reference set, is written over and keeps its
    id: what points at it (a request, an incident that labels opened, a bookmark) then points at
    the answer. Only the nightly report of the production model opens an incident, or alerts of a
    night that failed for the last time.
    """
    model = incident.locked_model(session, draft.spec.model_id)
    earlier = in_window(session, draft.spec, lock=True)
    if any(report.verdict not in UNJUDGED for report in earlier):
        return None
    if draft.failed:
        _schedule_retry(draft, earlier, drift, now)
    report = _merged(session, draft, earlier)
    session.flush()
    metrics.store(session, report.id, metrics.of(report))
    if draft.spec.origin is Origin.NIGHTLY:
        _respond(session, model, report, drift)
    return report


def adopt(session: Session, report: DriftReport, drift: DriftSettings) -> None:
    """Make a report that a person requested the nightly one, now that its window is due.

    It was judged at the schedule's level, so its verdict holds and may open an incident.
    """
    model = incident.locked_model(session, report.model_id)
    report.origin = Origin.NIGHTLY.value
    _respond(session, model, report, drift)


def in_window(session: Session, spec: ReportSpec, *, lock: bool = False) -> Sequence[DriftReport]:
    """Reports of the very window of the spec, that of its reference set first, then the newest."""
    query = (
        select(DriftReport)
        .where(
            DriftReport.model_id == spec.model_id,
            DriftReport.window_start == spec.window.start,
            DriftReport.window_end == spec.window.end,
        )
        .order_by(
            (DriftReport.reference_set_id == spec.reference_set_id).desc().nulls_last(),
            DriftReport.created_at.desc(),
        )
    )
    return session.scalars(query.with_for_update() if lock else query).all()


def _schedule_retry(
    draft: Draft, earlier: Sequence[DriftReport], drift: DriftSettings, now: datetime
) -> None:
    """Count the failure of a nightly run, and set when it tries again, if it does.

    A person who has a failed night judged again, in vain, changes nothing about it.
    """
    report = draft.report
    before = next((row for row in earlier if row.origin == Origin.NIGHTLY), None)
    report.failures = before.failures if before else 0
    if draft.spec.origin is not Origin.NIGHTLY:
        if before is not None:
            report.origin, report.retry_at = before.origin, before.retry_at
        return
    report.failures += 1
    if report.failures < drift.night_attempts:
        wait = drift.night_backoff.limit(report.failures)
        report.retry_at = now + timedelta(seconds=wait)


def _merged(session: Session, draft: Draft, earlier: Sequence[DriftReport]) -> DriftReport:
    """The draft as a row of the session, in place of the earlier reports."""
    same = next((report for report in earlier if report.id == draft.report.id), None)
    backfilled = same is not None and same.origin == Origin.BACKFILL
    report = session.merge(draft.report)
    if same is not None:
        report.created_at = func.now()
    if backfilled:
        report.origin = Origin.BACKFILL.value  # or the nightly run would adopt it
    session.flush()
    _replace(session, report, [row.id for row in earlier if row is not same])
    return report


def _replace(session: Session, report: DriftReport, gone: list[uuid.UUID]) -> None:
    """Let what points at the other reports point at this one, and delete them."""
    if not gone:
        return
    for table in POINTERS:
        session.execute(update(table).where(table.report_id.in_(gone)).values(report_id=report.id))
    session.execute(delete(DriftReport).where(DriftReport.id.in_(gone)))


def _respond(session: Session, model: Model, report: DriftReport, drift: DriftSettings) -> None:
    """The incident that the night calls for; of a calm one the days enter the baseline."""
    if model.status != ModelStatus.PRODUCTION:
        return
    if report.verdict == ReportVerdict.FAILED:
        if report.retry_at is None:
            alert.publish_failed_night(session, model, report)
        return
    open_before = incident.unresolved(session, model.id) is not None
    if not report.evidence.get("days", {}).get("informs") and not _outlived(session, report):
        safety = report.evidence.get("harm", {}).get("safety")
        client = report.evidence.get("one_client", {}).get("client")
        incident.respond(session, report, harmful=safety == Safety.AFFECTED, confined_to=client)
        if report.periods > 1:
            entering.withdraw(session, report)
    if report.periods == 1 and not open_before:
        skew.respond(session, model, report)
        entering.enter(session, model, report, most=drift.baseline_days)
    session.flush()


def _outlived(session: Session, report: DriftReport) -> bool:
    """Whether the baseline that the window was compared with has ended since: while it was judged,
    a person accepted the new normal, and the window says nothing of that one."""
    if report.baseline_id is None:
        return False
    baseline = session.get_one(Baseline, report.baseline_id, populate_existing=True)
    return baseline.ended_at is not None
