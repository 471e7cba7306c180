"""Encode one day anew: batch by batch, each in a short transaction, until the day or the time is
over. A process that is killed costs one batch."""

import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from enum import StrEnum

from mycovigil import cpu
from mycovigil.db.encoder import Encoder
from mycovigil.postgres.engine import Sessions, engine_of, sessions_of
from mycovigil.reencoding import lease as leases
from mycovigil.reencoding.lease import Lease, LeaseLost
from mycovigil.settings import Settings
from mycovigil.storage import Storage
from mycovigil_training.features.engine import Engine
from mycovigil_training.reencode.batches import Encoding, counted, following

# Of one turn: a retrain that waits in the same queue waits no longer.
TURN_SECONDS = 600.0


class Ending(StrEnum):
    """What became of the day in this turn."""

    NOT_MINE = "not mine"
    LEASE_LOST = "lease lost"
    MORE = "more"
    DONE = "done"


def run(
    settings: Settings,
    encoder_id: uuid.UUID,
    day: date,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Ending:
    """Take the day's lease and encode for at most :data:`TURN_SECONDS`.

    Raises:
        ValueError, OSError, RuntimeError: the encoder is not here, or the storage is away; the
            reason is stored with the day, which goes on later.
        SQLAlchemyError: the database is away; the lease ends by itself.
    """
    engine = engine_of(settings.database, seconds=settings.database.job_seconds)
    sessions = sessions_of(engine)
    try:
        with sessions.begin() as session:
            lease = leases.take(session, encoder_id, day)
        return _taken(settings, sessions, lease, clock) if lease else Ending.NOT_MINE
    except LeaseLost:
        return Ending.LEASE_LOST
    finally:
        engine.dispose()


def _taken(
    settings: Settings, sessions: Sessions, lease: Lease, clock: Callable[[], float]
) -> Ending:
    until = clock() + TURN_SECONDS
    try:
        with ThreadPoolExecutor(cpu.available()) as threads:
            encoding = Encoding(
                _engine(sessions, lease.encoder_id),
                Storage(settings.storage),
                settings.predictor.max_pixels,
                threads,
            )
            return _encoded(sessions, lease, encoding, lambda: clock() < until)
    except LeaseLost:
        raise
    except (ValueError, OSError, RuntimeError) as error:
        with sessions.begin() as session:
            leases.fail(session, lease, str(error))
        raise


def _encoded(
    sessions: Sessions, lease: Lease, encoding: Encoding, in_time: Callable[[], bool]
) -> Ending:
    if lease.total is None:
        with sessions.begin() as session:
            leases.begin(session, lease, total=counted(session, lease))
    after = lease.last_id
    while True:
        with sessions() as session:
            answers = following(session, lease, after)
        if not answers:
            break
        batch = encoding.batch(lease.encoder_id, answers)
        with sessions.begin() as session:
            leases.write(session, lease, batch)
        after = batch.last_id
        if not in_time():
            with sessions.begin() as session:
                leases.put_back(session, lease)
            return Ending.MORE
    with sessions.begin() as session:
        leases.finish(session, lease)
    return Ending.DONE


def _engine(sessions: Sessions, encoder_id: uuid.UUID) -> Engine:
    with sessions() as session:
        row = session.get_one(Encoder, encoder_id)
        return Engine(row.uri, (row.onnx_digest, row.preprocessing_digest))
