"""Retention: partitions ahead, old days, photos and files deleted, late rows counted."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from mycovigil.db.base import first_id_at
from mycovigil.db.prediction import Prediction
from mycovigil.db.reference import ReferenceSample, ReferenceSet
from mycovigil.db.report import DriftReport
from mycovigil.postgres import partitions
from mycovigil.settings import Settings
from mycovigil.storage import Storage
from mycovigil_worker.references.fitted import fits_of
from mycovigil_worker.report import metrics
from mycovigil_worker.state import State

# How long after a report its late rows are still counted.
RECOUNTED = timedelta(days=7)

# After so long no transaction is still on its way.
UNCOMMITTED = timedelta(days=1)

# Making or dropping a partition waits for readers of predictions, and all inserts wait behind
# it: less than the predictor's patience, after which it would take the database for away.
LOCK_MILLISECONDS = 1_000

log = structlog.get_logger(__name__)


def run(state: State, *, now: datetime) -> None:
    """All of it; each part in its own transaction, and one that fails spares the others."""
    steps: dict[str, Callable[[Session], object]] = {
        "late rows": lambda session: count_late(session, state.settings, now),
        "photos": lambda session: delete_old_photos(session, state.storage, state.settings, now),
        "days": lambda session: drop_days(session, state.settings, now),
        "pages": lambda session: delete_orphaned_pages(session, state.storage, now),
        "fits": lambda session: delete_retired_fits(session, state.storage),
    }
    for name, step in steps.items():
        try:
            with state.sessions.begin() as session:
                done = step(session)
        except Exception:
            log.exception("retention failed, the next night tries again", step=name)
        else:
            log.info("retention", step=name, done=str(done))


def make_partitions(session: Session, settings: Settings, now: datetime) -> None:
    """Yesterday to the set number of days ahead.

    Raises:
        OperationalError: a night is being read; a later turn will do.
    """
    _limit_lock_wait(session)
    partitions.ensure(session, partitions.upcoming(now.date(), settings.database.partitions_ahead))


def drop_days(session: Session, settings: Settings, now: datetime) -> list[object]:
    """Drop whole days of predictions beyond their retention. Raises as :func:`make_partitions`."""
    _limit_lock_wait(session)
    oldest = now.date() - timedelta(days=settings.storage.prediction_retention_days)
    return list(partitions.drop_before(session, oldest))


def _limit_lock_wait(session: Session) -> None:
    session.execute(text(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}"))


def delete_old_photos(session: Session, storage: Storage, settings: Settings, now: datetime) -> int:
    """Delete stored photos whose last prediction is past retention, and their keys in the rows.

    A photo of a reference set stays with its set. One that the storage does not give up is left
    for the next night, and holds back no other.
    """
    border = now - timedelta(days=settings.storage.photo_retention_days)
    in_sets = select(ReferenceSample.image_key).where(ReferenceSample.image_key.is_not(None))
    old = session.scalars(
        select(Prediction.image_key)
        .where(Prediction.image_key.is_not(None), Prediction.image_key.not_in(in_sets))
        .group_by(Prediction.image_key)
        .having(func.max(Prediction.created_at) < border)
    ).all()
    keys = [key for key in old if _deleted(storage, str(key))]
    session.execute(update(Prediction).where(Prediction.image_key.in_(keys)).values(image_key=None))
    return len(keys)


def delete_orphaned_pages(session: Session, storage: Storage, now: datetime) -> int:
    """Delete pages of reports that were never committed: they are stored before their row is."""
    border = first_id_at(now - UNCOMMITTED)
    pages = {key: uuid.UUID(key.split("/")[1]) for key in storage.keys("reports")}
    known = set(session.scalars(select(DriftReport.id)))
    orphans = [key for key, report in pages.items() if report < border and report not in known]
    return sum(_deleted(storage, key) for key in orphans)


def delete_retired_fits(session: Session, storage: Storage) -> int:
    """Delete the stored fits of reference sets that were retired."""
    retired = select(ReferenceSet.id).where(ReferenceSet.retired_at.is_not(None))
    gone = tuple(fits_of(identifier) for identifier in session.scalars(retired))
    old = [key for key in storage.keys("fits") if key.startswith(gone)]
    return sum(_deleted(storage, key) for key in old)


def _deleted(storage: Storage, key: str) -> bool:
    try:
        storage.delete(key)
    except Exception as error:  # of any storage
        log.error("a file past its time cannot be deleted", key=key, error=str(error))
        return False
    return True


def count_late(session: Session, settings: Settings, now: datetime) -> None:
    """Rows logged after their window's grace, now that they are here; what retention took since
    stays counted."""
    grace = timedelta(seconds=settings.drift.grace_seconds)
    late = (
        select(func.count())
        .select_from(Prediction)
        .where(
            Prediction.model_id == DriftReport.model_id,
            Prediction.created_at >= DriftReport.window_start,
            Prediction.created_at < DriftReport.window_end,
            Prediction.logged_at > DriftReport.window_end + grace,
        )
        .scalar_subquery()
    )
    counted = session.execute(
        update(DriftReport)
        .where(DriftReport.created_at > now - RECOUNTED, DriftReport.periods == 1)
        .values(late_rows=func.greatest(DriftReport.late_rows, late))
        .returning(DriftReport.id, DriftReport.late_rows)
    )
    for report, rows in counted.all():
        metrics.store(session, report, {"late_rows": float(rows)})
