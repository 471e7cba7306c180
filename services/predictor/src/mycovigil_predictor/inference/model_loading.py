"""Loads models and encoders, each checked against its registered digests."""

from mycovigil.models import registry
from mycovigil.models.registry import Production
from mycovigil.storage import Storage
from mycovigil.vision.encoder.identity import EncoderIdentity, EncoderMismatch, locate
from mycovigil_predictor.inference.advisor import Advisor
from mycovigil_predictor.inference.engine import Engine
from mycovigil_predictor.inference.serving import LoadedModel


def load_model(storage: Storage, production: Production) -> LoadedModel:
    """Load a model's bundle.

    Raises:
        BundleError: other bytes than the registered ones.
        MissingObject: they are gone.
        EncoderMismatch: it was trained on another encoder.
    """
    model, encoder = production.model, production.encoder
    bundle = registry.load_bundle(storage, model)
    if (bundle.meta.onnx_digest, bundle.meta.preprocessing_digest) != (
        encoder.onnx_digest,
        encoder.preprocessing_digest,
    ):
        raise EncoderMismatch(f"model {model.version} was trained on another encoder")
    return LoadedModel(model.id, model.version, bundle.meta, Advisor(bundle), model.demo)


def load_engine(production: Production, *, lanes: int) -> Engine:
    """Load the encoder of a model.

    Raises:
        FileNotFoundError: the encoder is not on this machine.
        EncoderMismatch: its files are not the registered ones.
    """
    encoder = production.encoder
    folder = locate(encoder.uri)
    identity = EncoderIdentity.read(folder).registered_as(
        encoder.onnx_digest, encoder.preprocessing_digest
    )
    return Engine(identity.checked_onnx(folder), identity, lanes=lanes)
