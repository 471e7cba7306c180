"""When labels come or change: realised figures of the windows they belong to."""

import uuid
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from mycovigil.db.model import Model
from mycovigil.db.report import DriftReport
from mycovigil.incidents import certificate, incident
from mycovigil_worker.judging.judged_window import PLANNED
from mycovigil_worker.labels import certificate_evidence, contradiction, labelled_photos
from mycovigil_worker.labels.labelled_photos import Given
from mycovigil_worker.labels.realised import Realised
from mycovigil_worker.report import metrics
from mycovigil_worker.report.harm import Safety
from mycovigil_worker.state import State

# Periods back in which a label still changes its report, and with it a certificate.
HORIZON = 60

log = structlog.get_logger(__name__)


def run(state: State, *, now: datetime) -> int:
    """Update every report of the last :data:`HORIZON` periods; returns how many changed.

    One that fails holds back none of the others.

    Raises:
        OperationalError: the database is away.
    """
    horizon = now - HORIZON * state.settings.period
    with state.sessions() as session:
        recent = session.scalars(
            select(DriftReport.id)
            .where(DriftReport.window_end > horizon)
            .order_by(DriftReport.window_end)
        ).all()
    return sum(_attempted(state, report) for report in recent)


def _attempted(state: State, identifier: uuid.UUID) -> bool:
    try:
        return _brought_up_to_date(state, identifier)
    except OperationalError:
        raise
    except Exception:
        log.exception("figures of a report are not updated, will be", report=str(identifier))
        return False


def _brought_up_to_date(state: State, identifier: uuid.UUID) -> bool:
    with state.sessions.begin() as session:
        report = session.get_one(DriftReport, identifier)
        given = labelled_photos.given(session, report)
        if given is None or (report.realised or {}).get("mark") == given.mark:
            return False
        incident.locked_model(
            session, report.model_id
        )  # before the report, as whoever writes reports
        session.refresh(report, with_for_update=True)
        update(session, report, given)
    return True


def update(session: Session, report: DriftReport, given: Given) -> None:
    """Write what labels say into the report, its numbers and, where they show harm, the model's
    certificate and incident."""
    model = session.get_one(Model, report.model_id)
    found = Realised.of(labelled_photos.answered(session, report))
    bound = model.certificate.get("bound")
    proven = (
        None if bound is None else certificate_evidence.of(session, report, found.misses, bound)
    )
    report.realised = found.document(bound, proven, given, labelled_photos.photos(session, report))
    metrics.store(session, report.id, _numbers(report.realised))
    if report.origin in PLANNED and found.safety(bound, proven) is Safety.AFFECTED:
        missed = found.missed
        found_by_labels = (
            f"by their labels {missed.successes} of {missed.trials} deadly photos were missed"
        )
        incident.confirm_harm(session, report, found=found_by_labels)
    if bound is not None:
        _doubt(session, model, bound)
    log.info("realised figures", report=str(report.id), labelled=found.labelled)


def _doubt(session: Session, model: Model, bound: float) -> None:
    session.flush()
    found = contradiction.doubt(contradiction.nights_of(session, model.id), bound)
    calm = incident.unresolved(session, model.id) is None
    certificate.doubt_by_labels(session, model, found, calm=calm)


def _numbers(document: dict[str, Any]) -> dict[str, float | None]:
    return {
        "realised.labelled": float(document["labelled"]),
        "realised.deadly_missed": document["deadly"]["rate"],
        "realised.risk": document["risk"]["rate"],
        "realised.macro_recall": document["macro_recall"]["value"],
    }
