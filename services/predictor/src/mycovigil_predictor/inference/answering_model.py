"""The model that gave a logged answer, with its certificate's status of today."""

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
from mycovigil_predictor.inference.model_loading import load_model
from mycovigil_predictor.inference.serving import LoadedModel, Serving

# Bundles of models that are no longer served, kept in memory.
MAX_LOADED = 8
logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AnsweringModel:
    """``certificate_status`` is today's; ``loaded`` is none where the model's bundle cannot be
    read any more."""

    model_id: uuid.UUID
    version: str
    encoder_name: str
    encoder_precision: str
    certificate: Certificate
    certificate_status: CertificateStatus
    loaded: LoadedModel | None
    demo: bool = False

    @classmethod
    def of_serving(cls, serving: Serving) -> Self:
        """The model that is served now."""
        model = serving.model
        return cls(
            model_id=model.model_id,
            version=model.version,
            encoder_name=model.meta.encoder_name,
            encoder_precision=model.meta.encoder_precision,
            certificate=model.certificate,
            certificate_status=serving.certificate_status,
            loaded=model,
            demo=model.demo,
        )


class AnsweringModels:
    """Models that are not served now, for answers that they gave."""

    def __init__(self, storage: Storage, drift: DriftSettings) -> None:
        self._storage = storage
        self._drift = drift
        self._loaded: OrderedDict[uuid.UUID, LoadedModel] = OrderedDict()

    def get(self, session: Session, model_id: uuid.UUID) -> AnsweringModel:
        """The model as the registry knows it, with its bundle where that can still be read.

        A model whose nights were not judged while it served stays at best suspect.

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
        doubt = monitoring.lapse(session, model.id, self._drift)
        return AnsweringModel(
            model_id=model.id,
            version=model.version,
            encoder_name=encoder.name,
            encoder_precision=encoder.precision,
            certificate=Certificate.model_validate(model.certificate),
            certificate_status=doubted(model.certificate_state, doubt),
            loaded=self._load(Production(model, encoder)),
            demo=model.demo,
        )

    def _load(self, answering: Production) -> LoadedModel | None:
        identifier = answering.model.id
        if identifier not in self._loaded:
            try:
                self._loaded[identifier] = load_model(self._storage, answering)
            except Exception as error:  # of any storage; the row says enough without the bundle
                logger.warning("no bundle", model=answering.model.version, error=str(error))
                return None
            while len(self._loaded) > MAX_LOADED:
                self._loaded.popitem(last=False)
        return self._loaded[identifier]
