"""The lease of a retrain job: taken with a growing fencing token, renewed, and checked at the end.

A worker that stalls past its lease and goes on holds an old token, and every write here is
conditional on the token: it can change nothing (Kleppmann, 2016, How to do distributed locking).
"""

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Self, cast

import structlog
from sqlalchemy import CursorResult, func, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from mycovigil.db.retrain import JobState, RetrainJob
from mycovigil.postgres.engine import Sessions

LEASE = timedelta(seconds=60)
MOST_ATTEMPTS = 3
# Renewals in a lease's length, so that a missed one does not lose it.
RENEWALS = 3

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to run ``job_id``, good while the row still carries ``token``."""

    job_id: uuid.UUID
    token: int


def take(session: Session, job_id: uuid.UUID) -> Lease | None:
    """Take the lease of a job that no worker runs; none if it is held, finished or unknown.

    One that may train outside its worker is taken whatever its attempts: it is followed, and no
    other attempt.
    """
    token = session.scalar(
        update(RetrainJob)
        .where(
            RetrainJob.id == job_id,
            (RetrainJob.state == JobState.QUEUED)
            | ((RetrainJob.state == JobState.RUNNING) & (RetrainJob.lease_until < func.now())),
            (RetrainJob.attempts < MOST_ATTEMPTS) | RetrainJob.remote_open,
        )
        .values(
            state=JobState.RUNNING,
            attempts=RetrainJob.attempts + 1,
            lease_token=RetrainJob.lease_token + 1,
            lease_until=func.now() + LEASE,
            started_at=func.now(),
            error=None,
        )
        .returning(RetrainJob.lease_token)
    )
    return Lease(job_id, token) if token is not None else None


def give_up(session: Session) -> list[uuid.UUID]:
    """Fail jobs whose last attempt ended with its worker (killed, out of memory): nobody else
    would ever write their end."""
    found = session.scalars(
        update(RetrainJob)
        .where(
            RetrainJob.state == JobState.RUNNING,
            RetrainJob.lease_until < func.now(),
            RetrainJob.attempts >= MOST_ATTEMPTS,
            ~RetrainJob.remote_open,
        )
        .values(
            state=JobState.FAILED,
            lease_until=None,
            finished_at=func.now(),
            error="the worker died with the job, on the last of its attempts",
        )
        .returning(RetrainJob.id)
    )
    return list(found)


def renew(session: Session, lease: Lease) -> bool:
    """Extend the lease; false if it was lost."""
    return _write(session, lease, lease_until=func.now() + LEASE)


def note(session: Session, lease: Lease, **values: Any) -> bool:
    """Write something about the running job and extend the lease; false if it was lost."""
    return _write(session, lease, lease_until=func.now() + LEASE, **values)


def _pause() -> float:
    """Seconds between two renewals."""
    return LEASE.total_seconds() / RENEWALS


def finish(session: Session, lease: Lease, **values: Any) -> bool:
    """Write the job's end and give the lease back; false, and nothing written, if it was lost."""
    return _write(session, lease, lease_until=None, **values)


def _write(session: Session, lease: Lease, **values: Any) -> bool:
    result = session.execute(
        update(RetrainJob)
        .where(
            RetrainJob.id == lease.job_id,
            RetrainJob.lease_token == lease.token,
            RetrainJob.state == JobState.RUNNING,
        )
        .values(**values)
    )
    return cast("CursorResult[Any]", result).rowcount == 1


class Renewal:
    """Renews a lease in a thread while the block runs; calls ``on_lost`` once if it is lost."""

    def __init__(self, sessions: Sessions, lease: Lease, on_lost: Callable[[], None]) -> None:
        self._sessions = sessions
        self._lease = lease
        self._on_lost = on_lost
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join(_pause())  # Postgres may be silent; a late renewal changes nothing

    def _run(self) -> None:
        while not self._done.wait(_pause()):
            try:
                with self._sessions.begin() as session:
                    held = renew(session, self._lease)
            except SQLAlchemyError:  # the database is away: the lease may survive it
                log.warning("lease not renewed", job=str(self._lease.job_id))
                continue
            if not held:
                self._on_lost()
                return
