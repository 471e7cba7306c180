"""Finds logged predictions: in the spool, then in Postgres."""

import asyncio
import datetime
import uuid

import numpy as np
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from mycovigil.db.base import instant_of
from mycovigil.db.idempotency import IdempotencyKey
from mycovigil.db.prediction import Prediction
from mycovigil.postgres.engine import Sessions
from mycovigil.vision.image.covariates import NAMES as COVARIATES
from mycovigil_predictor.log.idempotency import IdempotentResult
from mycovigil_predictor.log.prediction_log import Destination
from mycovigil_predictor.log.row import Claim, Row
from mycovigil_predictor.log.spool import Spool
from mycovigil_web.problems import database_away


class Lookup:
    """Its methods raise a Problem, 503, where Postgres is needed and away."""

    def __init__(self, spool: Spool, sessions: Sessions) -> None:
        self._spool = spool
        self._sessions = sessions

    async def by_id(self, identifier: uuid.UUID) -> tuple[Row, Destination] | None:
        """The row with this id, and where it is."""
        if self._spool.holds and (row := await asyncio.to_thread(self._spool.get, identifier)):
            return row, Destination.SPOOL
        row = await asyncio.to_thread(self._read, identifier)
        return (row, Destination.DATABASE) if row else None

    async def spooled(self, claim: Claim) -> IdempotentResult | None:
        """The result in the spool that holds the key of ``claim``."""
        if not self._spool.holds:
            return None
        found = await asyncio.to_thread(self._spool.claimed, claim.client, claim.key)
        return IdempotentResult(found[0], Destination.SPOOL, found[1]) if found else None

    async def committed(self, claim: Claim) -> IdempotentResult:
        """The result in Postgres that holds the key of ``claim``."""
        found = await asyncio.to_thread(self._claimed, claim)
        if found is None:
            raise database_away()
        return IdempotentResult(found[0], Destination.DATABASE, found[1])

    def _read(self, identifier: uuid.UUID) -> Row | None:
        try:
            with self._sessions() as session:
                return _find(session, identifier)
        except SQLAlchemyError as error:
            raise database_away() from error

    def _claimed(self, claim: Claim) -> tuple[Row, Claim] | None:
        try:
            with self._sessions() as session:
                holder = session.get(IdempotencyKey, (claim.client, claim.key))
                row = _find(session, holder.prediction_id) if holder else None
        except SQLAlchemyError as error:
            raise database_away() from error
        if holder is None or row is None:
            return None
        return row, Claim(holder.client, holder.key, holder.fingerprint)


def moment_of(identifier: uuid.UUID) -> datetime.datetime | None:
    """The instant in a prediction's id; none where the id holds no valid time."""
    try:
        return instant_of(identifier)
    except (ValueError, OverflowError, OSError):
        return None


def _find(session: Session, identifier: uuid.UUID) -> Row | None:
    """The row with this id; the instant in the id selects its day's partition."""
    moment = moment_of(identifier)
    if moment is None:
        return None
    found = session.scalar(
        select(Prediction).where(Prediction.id == identifier, Prediction.created_at == moment)
    )
    return _row(found) if found else None


def _row(found: Prediction) -> Row:
    return Row(
        id=found.id,
        request_id=found.request_id,
        trace_id=found.trace_id,
        client=found.client,
        key_prefix=found.key_prefix,
        group_key=found.group_key,
        app_version=found.app_version,
        model_id=found.model_id,
        encoder_id=found.encoder_id,
        features=np.asarray(found.features, dtype=np.float32),
        probabilities=list(found.probabilities),
        label=found.label,
        prediction_set=list(found.prediction_set),
        verdict=found.verdict,
        certificate=found.certificate,
        reasons=list(found.reasons),
        distance=found.distance,
        photos=found.photos,
        image_sha256=found.image_sha256,
        image_key=found.image_key,
        latency_ms=found.latency_ms,
        covariates={name: getattr(found, name) for name in COVARIATES},
        photo_rows=found.photo_rows,
        fingerprint=found.fingerprint,
    )
