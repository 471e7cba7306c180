"""What is served at one moment: a model on an encoder. Replaced whole, never changed."""

import uuid
from dataclasses import dataclass, replace
from typing import Self

from mycovigil.db.model import Model
from mycovigil.models import registry
from mycovigil.models.bundle import Bundle, BundleMeta, Certificate
from mycovigil.models.registry import Production
from mycovigil.models.safety import CertificateStatus, worse
from mycovigil.storage import Storage
from mycovigil.vision.encoder.identity import EncoderIdentity, EncoderMismatch, locate
from mycovigil_predictor.inference.advisor import Judge
from mycovigil_predictor.inference.engine import Engine
from mycovigil_predictor.inference.pipeline import Pipeline

# First letters of the packaged encoders' names: for demos and screening.
MINI = "mini"


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model as answers name it; ``judge`` computes with its bundle; ``demo``: it is the packaged
    demo model."""

    model_id: uuid.UUID
    version: str
    meta: BundleMeta
    judge: Judge
    demo: bool = False

    @property
    def certificate(self) -> Certificate:
        return self.meta.certificate


@dataclass(frozen=True, slots=True)
class Serving:
    """``certificate_state`` is today's, from the registry; the bundle's is that of its birth.
    ``watched``: whether the model is in production within reach, so that a drift would be seen."""

    card: ModelCard
    encoder_id: uuid.UUID
    certificate_state: CertificateStatus
    certificate_reason: str
    pipeline: Pipeline
    watched: bool = True

    @property
    def screens_only(self) -> bool:
        """Whether the encoder is a packaged one, which identifies no species; of the demo model it
        always is, and a model that was trained on real photos may have it too."""
        identity = self.pipeline.identity
        return any(name.startswith(MINI) for name in (identity.name, identity.architecture))

    def is_still(self, production: Production) -> bool:
        """Whether nothing that is answered has changed."""
        return (
            self.watched
            and self.card.model_id == production.model.id
            and self.certificate_state == production.certificate_state
            and self.certificate_reason == production.certificate_reason
        )

    def restated(self, row: Model | None) -> Self:
        """As the model's row says today; one that the registry does not know is void."""
        if row is None:
            state, reason = CertificateStatus.VOID, "the registry does not know this model"
        else:
            state, reason = CertificateStatus(row.certificate_state), row.certificate_reason
        return replace(self, certificate_state=state, certificate_reason=reason)

    def unwatched(self, trouble: str) -> Self:
        """At best suspect: nobody looks for a drift any more."""
        told = f"served on, but watched no more: {trouble}"
        return replace(
            self,
            watched=False,
            certificate_state=worse(self.certificate_state, CertificateStatus.SUSPECT),
            certificate_reason="; ".join(filter(None, (self.certificate_reason, told))),
        )


def card_of(storage: Storage, production: Production) -> ModelCard:
    """Load a model's bundle, checked against its registered digest and its encoder.

    Raises:
        BundleError: other bytes than the registered ones.
        MissingObject: they are gone.
        EncoderMismatch: a head of another encoder.
    """
    model, encoder = production.model, production.encoder
    bundle: Bundle = registry.load_bundle(storage, model)
    if (bundle.meta.onnx_digest, bundle.meta.preprocessing_digest) != (
        encoder.onnx_digest,
        encoder.preprocessing_digest,
    ):
        raise EncoderMismatch(f"model {model.version} was trained on another encoder")
    return ModelCard(model.id, model.version, bundle.meta, Judge(bundle), model.demo)


def engine_of(production: Production, *, lanes: int) -> Engine:
    """Load the encoder of a model, checked against its registered digests.

    Raises:
        FileNotFoundError: the encoder is not on this machine.
        EncoderMismatch: its files are not the registered ones.
    """
    encoder = production.encoder
    folder = locate(encoder.uri)
    identity = EncoderIdentity.read(folder)
    if (identity.onnx_digest, identity.preprocessing_digest) != (
        encoder.onnx_digest,
        encoder.preprocessing_digest,
    ):
        raise EncoderMismatch(f"{folder} is not the encoder {encoder.name} that was registered")
    return Engine(identity.checked_onnx(folder), identity, lanes=lanes)
