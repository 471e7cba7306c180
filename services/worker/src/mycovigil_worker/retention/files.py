"""Files without an owner, and those past their time: pages whose report was never written, fits of
retired reference sets, old logs of trainings."""

import uuid
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.base import first_id_at
from mycovigil.db.reference import ReferenceSet
from mycovigil.db.report import DriftReport
from mycovigil.storage import Storage
from mycovigil_worker.references.fitted import fits_of
from mycovigil_worker.state import State

# After so long no transaction is still on its way.
UNCOMMITTED = timedelta(days=1)
LOGS = "retrain"
log = structlog.get_logger(__name__)


def delete_orphaned_pages(session: Session, storage: Storage, now: datetime) -> int:
    """Delete pages of reports that were never committed: they are stored before their row is."""
    border = first_id_at(now - UNCOMMITTED)
    pages = {key: uuid.UUID(key.split("/")[1]) for key in storage.keys("reports")}
    known = set(session.scalars(select(DriftReport.id)))
    orphans = [key for key, report in pages.items() if report < border and report not in known]
    return sum(deleted(storage, key) for key in orphans)


def delete_retired_fits(session: Session, storage: Storage) -> int:
    """Delete the stored fits of reference sets that were retired."""
    retired = select(ReferenceSet.id).where(ReferenceSet.retired_at.is_not(None))
    gone = tuple(fits_of(identifier) for identifier in session.scalars(retired))
    old = [key for key in storage.keys("fits") if key.startswith(gone)]
    return sum(deleted(storage, key) for key in old)


def delete_old_logs(state: State, now: datetime) -> int:
    """Delete the logs of trainings that ended longer ago than events are kept."""
    border = now - timedelta(days=state.settings.storage.event_retention_days)
    old = [key for key, written in state.storage.ages(LOGS) if written < border]
    return sum(deleted(state.storage, key) for key in old)


def deleted(storage: Storage, key: str) -> bool:
    """Whether the storage gave the file up; one that it keeps is left for the next night."""
    try:
        storage.delete(key)
    except Exception as error:  # of any storage
        log.error("a file past its time cannot be deleted", key=key, error=str(error))
        return False
    return True
