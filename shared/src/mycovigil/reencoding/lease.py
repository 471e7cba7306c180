"""The lease of a day that is encoded anew. Each batch renews it in the transaction that writes the
batch: a worker that lost its lease writes nothing, and what is written is counted exactly once."""

import datetime
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import CursorResult, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mycovigil.db.encoder import DayState, EncodedDay, EncodedPhoto

# Longer than a batch takes with a large encoder on a busy processor.
LEASE = datetime.timedelta(minutes=3)
# Tries in a row that wrote nothing, before a person has to ask again.
MOST_ATTEMPTS = 5


class LeaseLost(RuntimeError):
    """Another worker has the day: this one took too long over a batch."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to encode ``day`` by an encoder, good while the row still carries ``token``."""

    encoder_id: uuid.UUID
    day: datetime.date
    token: int
    total: int | None
    last_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of :class:`EncodedPhoto`, and what became of all answers up to ``last_id``."""

    rows: Sequence[Mapping[str, Any]]
    removed: int
    undecodable: int
    last_id: uuid.UUID


def take(session: Session, encoder_id: uuid.UUID, day: datetime.date) -> Lease | None:
    """Take a day that no worker encodes; none if it is held, done, failed or was not asked for."""
    row = session.execute(
        update(EncodedDay)
        .where(
            EncodedDay.encoder_id == encoder_id,
            EncodedDay.day == day,
            (EncodedDay.state == DayState.WAITING)
            | ((EncodedDay.state == DayState.RUNNING) & (EncodedDay.lease_until < func.now())),
        )
        .values(
            state=DayState.RUNNING,
            attempts=EncodedDay.attempts + 1,
            lease_token=EncodedDay.lease_token + 1,
            lease_until=func.now() + LEASE,
            started_at=func.coalesce(EncodedDay.started_at, func.now()),
        )
        .returning(EncodedDay.lease_token, EncodedDay.total, EncodedDay.last_id)
    ).first()
    return Lease(encoder_id, day, *row) if row is not None else None


def begin(session: Session, lease: Lease, *, total: int) -> None:
    """Write how many answers there are. Raises :class:`LeaseLost`."""
    _write(session, lease, total=total)


def write(session: Session, lease: Lease, batch: Batch) -> None:
    """Store a batch and its counts together, and renew the lease.

    Raises:
        LeaseLost: another worker has the day; the caller's transaction must be rolled back.
    """
    _write(
        session,
        lease,
        lease_until=func.now() + LEASE,
        last_id=batch.last_id,
        encoded=EncodedDay.encoded + len(batch.rows),
        removed=EncodedDay.removed + batch.removed,
        undecodable=EncodedDay.undecodable + batch.undecodable,
        attempts=0,
        problem=None,
    )
    if batch.rows:
        session.execute(insert(EncodedPhoto).on_conflict_do_nothing(), list(batch.rows))


def finish(session: Session, lease: Lease) -> None:
    """The day is done. Raises :class:`LeaseLost`."""
    _write(session, lease, state=DayState.DONE, lease_until=None, finished_at=func.now())


def put_back(session: Session, lease: Lease) -> None:
    """Let others have the queue: the day goes on later. Raises :class:`LeaseLost`."""
    _write(session, lease, state=DayState.WAITING, lease_until=None)


def fail(session: Session, lease: Lease, problem: str) -> None:
    """Write why a try ended; after :data:`MOST_ATTEMPTS` without a batch it is the last one.

    Raises :class:`LeaseLost`.
    """
    row = session.get_one(EncodedDay, (lease.encoder_id, lease.day), populate_existing=True)
    state = DayState.FAILED if row.attempts >= MOST_ATTEMPTS else DayState.WAITING
    _write(session, lease, state=state, lease_until=None, problem=problem)


def give_up(session: Session) -> None:
    """Fail days whose workers died on each of their tries, and wrote nothing between them."""
    session.execute(
        update(EncodedDay)
        .where(
            EncodedDay.state == DayState.RUNNING,
            EncodedDay.lease_until < func.now(),
            EncodedDay.attempts >= MOST_ATTEMPTS,
        )
        .values(
            state=DayState.FAILED,
            lease_until=None,
            problem=f"its worker died {MOST_ATTEMPTS} times in a row",
        )
    )


def _write(session: Session, lease: Lease, **values: Any) -> None:
    result = session.execute(
        update(EncodedDay)
        .where(
            EncodedDay.encoder_id == lease.encoder_id,
            EncodedDay.day == lease.day,
            EncodedDay.lease_token == lease.token,
            EncodedDay.state == DayState.RUNNING,
        )
        .values(**values)
    )
    if cast("CursorResult[Any]", result).rowcount != 1:
        raise LeaseLost(f"another worker encodes {lease.day}")
