"""Predictions that were logged, found again: in Postgres, or still in the spool."""

import uuid

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.base import instant_of
from mycovigil.db.idempotency import IdempotencyKey
from mycovigil.db.prediction import Prediction
from mycovigil.vision.image.covariates import NAMES as COVARIATES
from mycovigil_predictor.log.row import Claim, Row


def find(session: Session, identifier: uuid.UUID) -> Row | None:
    """The row with this id; the instant in the id leads to its day's partition."""
    try:
        moment = instant_of(identifier)
    except (ValueError, OverflowError, OSError):
        return None  # no UUIDv7 of this millennium
    found = session.scalar(
        select(Prediction).where(Prediction.id == identifier, Prediction.created_at == moment)
    )
    return _row(found) if found else None


def claimed(session: Session, claim: Claim) -> tuple[Row, Claim] | None:
    """The row that holds an idempotency key, with the claim that won."""
    winner = session.get(IdempotencyKey, (claim.client, claim.key))
    row = find(session, winner.prediction_id) if winner else None
    if winner is None or row is None:
        return None
    return row, Claim(winner.client, winner.key, winner.fingerprint)


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
    )
