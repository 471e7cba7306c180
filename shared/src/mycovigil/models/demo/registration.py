"""Registers the packaged demo model where no model was ever registered.

``python -m mycovigil_training demo-model`` makes its two files.
"""

from pathlib import Path

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from mycovigil.db.model import Model
from mycovigil.models import promotion, registry
from mycovigil.models.bundle import Bundle
from mycovigil.postgres.engine import one_session
from mycovigil.references import frozen_rows
from mycovigil.references.frozen_rows import FrozenRows
from mycovigil.settings import DatabaseSettings, StorageSettings
from mycovigil.storage import Storage
from mycovigil.vision.encoder.identity import EncoderIdentity, locate

FOLDER = Path(__file__).parent
BUNDLE = "bundle.safetensors"
REFERENCE_SET = "reference_set.safetensors"
DECIDED_BY = "mycovigil migrate"
NOTICE = "demo model: trained on drawn mushrooms, not for real ones"


def ensure(database: DatabaseSettings, storage: StorageSettings) -> str | None:
    """Register and promote the demo model if the registry is empty; returns its version if so.

    Of two processes at once the second finds the model of the first.
    """
    with one_session(database) as session:
        model = register(session, Storage(storage))
        return None if model is None else model.version


def announcement(version: str) -> str:
    """What people are told once it is registered."""
    return f"{version} is served until the first 'mycovigil train' ({NOTICE})"


def register(session: Session, storage: Storage) -> Model | None:
    """The demo model in production with its reference set, in the caller's transaction; none, and
    nothing done, if any model was ever registered."""
    promotion.wait_for_turn(session)
    if session.scalar(select(exists().where(Model.id.is_not(None)))):
        return None
    bundle = Bundle.from_bytes((FOLDER / BUNDLE).read_bytes())
    identity = EncoderIdentity.read(locate(bundle.meta.encoder_uri))
    encoder_id = registry.register_encoder(session, identity, bundle.meta.encoder_uri)
    model = registry.register_model(
        session, storage, bundle, encoder_id=encoder_id, parent_id=None, demo=True
    )
    rows = FrozenRows.from_bytes((FOLDER / REFERENCE_SET).read_bytes())
    frozen_rows.freeze(
        session, model, rows, name=f"drawn photos of {model.version}", source="training"
    )
    promotion.promote(session, model.id, decided_by=DECIDED_BY)
    return model
