"""Predictions that were logged, found again: in Postgres, or still in the spool."""

import uuid
from collections import OrderedDict

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.base import instant_of
from mycovigil.db.encoder import Encoder
from mycovigil.db.idempotency import IdempotencyKey
from mycovigil.db.model import Model
from mycovigil.db.prediction import Prediction
from mycovigil.image.covariates import NAMES as COVARIATES
from mycovigil.registry import Production
from mycovigil.storage import Storage
from mycovigil_predictor.row import Claim, Row
from mycovigil_predictor.serving import ModelCard, card_of

CARDS = 8


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


class Cards:
    """Cards of models that are not served now, for answers that they gave."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._cards: OrderedDict[uuid.UUID, ModelCard] = OrderedDict()

    def get(self, session: Session, model_id: uuid.UUID) -> ModelCard:
        """The card of a model.

        Raises:
            LookupError: the model or its bundle is gone.
        """
        if model_id not in self._cards:
            found = session.execute(
                select(Model, Encoder)
                .join(Encoder, Model.encoder_id == Encoder.id)
                .where(Model.id == model_id)
            ).first()
            if found is None:
                raise LookupError(f"there is no model {model_id}")
            model, encoder = found
            self._cards[model_id] = card_of(self._storage, Production(model, encoder))
            while len(self._cards) > CARDS:
                self._cards.popitem(last=False)
        return self._cards[model_id]


def _row(found: Prediction) -> Row:
    return Row(
        id=found.id,
        request_id=found.request_id,
        trace_id=found.trace_id,
        client=found.client,
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
