"""The model that gave an answer, as it stands today."""

import uuid
from collections import OrderedDict
from dataclasses import dataclass
from typing import Self

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.encoder import Encoder
from mycovigil.db.model import Model
from mycovigil.incidents import monitoring
from mycovigil.models.bundle import Certificate
from mycovigil.models.registry import Production
from mycovigil.models.safety import CertificateStatus, doubted
from mycovigil.settings import DriftSettings
from mycovigil.storage import Storage
from mycovigil_predictor.inference.serving import ModelCard, Serving, card_of

CARDS = 8
logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Author:
    """``state`` is today's; ``card`` is none where the model's bundle cannot be read any more."""

    model_id: uuid.UUID
    version: str
    encoder_name: str
    encoder_precision: str
    certificate: Certificate
    state: CertificateStatus
    card: ModelCard | None
    demo: bool = False

    @classmethod
    def serving(cls, serving: Serving) -> Self:
        """The model that is served now."""
        card = serving.card
        return cls(
            model_id=card.model_id,
            version=card.version,
            encoder_name=card.meta.encoder_name,
            encoder_precision=card.meta.encoder_precision,
            certificate=card.certificate,
            state=serving.certificate_state,
            card=card,
            demo=card.demo,
        )


class Authors:
    """Models that are not served now, for answers that they gave."""

    def __init__(self, storage: Storage, drift: DriftSettings) -> None:
        self._storage = storage
        self._drift = drift
        self._cards: OrderedDict[uuid.UUID, ModelCard] = OrderedDict()

    def get(self, session: Session, model_id: uuid.UUID) -> Author:
        """The model as the registry knows it, with its bundle where that is still there. What
        nobody watched while it served is in doubt for ever.

        Raises:
            LookupError: the registry does not know it.
        """
        found = session.execute(
            select(Model, Encoder)
            .join(Encoder, Model.encoder_id == Encoder.id)
            .where(Model.id == model_id)
        ).first()
        if found is None:
            raise LookupError(f"there is no model {model_id}")
        model, encoder = found
        return Author(
            model_id=model.id,
            version=model.version,
            encoder_name=encoder.name,
            encoder_precision=encoder.precision,
            certificate=Certificate.model_validate(model.certificate),
            state=doubted(
                model.certificate_state, monitoring.lapse(session, model.id, self._drift)
            ),
            card=self._card(Production(model, encoder)),
            demo=model.demo,
        )

    def _card(self, kept: Production) -> ModelCard | None:
        identifier = kept.model.id
        if identifier not in self._cards:
            try:
                self._cards[identifier] = card_of(self._storage, kept)
            except Exception as error:  # of any storage; the row says enough without the bundle
                logger.warning("no bundle", model=kept.model.version, error=str(error))
                return None
            while len(self._cards) > CARDS:
                self._cards.popitem(last=False)
        return self._cards[identifier]
