"""The models that a candidate must be compared with, as a run finds them."""

import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.encoder import Encoder
from mycovigil.db.model import Model
from mycovigil.models import registry
from mycovigil.models.bundle import Bundle, BundleError
from mycovigil.models.registry import Production
from mycovigil.storage import MissingObject, Storage
from mycovigil.vision.encoder.identity import EncoderIdentity
from mycovigil_training.retrain import training_photos
from mycovigil_training.retrain.gate import Role


@dataclass(frozen=True, slots=True)
class Opponent:
    """A model's row, encoder and bundle, and the photos that it saw: none where the list is gone,
    so that no photo is known to be new to it."""

    model: Model
    encoder: Encoder
    bundle: Bundle
    seen: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Opponents:
    """By role, empty before the first model; the first certified one is left out where production
    is that model. ``first_certified``: its id, also if it is production; ``missing``: why a
    comparison cannot be made, empty if it can."""

    by_role: dict[Role, Opponent]
    first_certified: uuid.UUID | None = None
    missing: str = ""

    @property
    def production(self) -> Opponent | None:
        return self.by_role.get(Role.PRODUCTION)

    @property
    def seen(self) -> list[str]:
        """The photos that any of them saw."""
        return [digest for one in self.by_role.values() for digest in one.seen or ()]


def production(session: Session, storage: Storage) -> Opponent | None:
    """The production model; none before the first promotion, nor while the demo model serves, which
    is nobody's opponent.

    Raises:
        BundleError, MissingObject: its stored bundle is broken or gone.
    """
    found = registry.production(session)
    return None if found is None or found.model.demo else _loaded(storage, found)


def opponents(session: Session, storage: Storage, candidate: EncoderIdentity) -> Opponents:
    """Production, and the first certified model of the candidate's encoder.

    Raises:
        BundleError, MissingObject: production's stored bundle is broken or gone.
    """
    current = production(session, storage)
    if current is None:
        return Opponents({})
    found = {Role.PRODUCTION: current}
    encoder = _encoder(session, candidate)
    first = registry.first_certified(session, encoder.id) if encoder else None
    if encoder is None or first is None:
        return _checked(found, None)
    if first.id != current.model.id:
        try:
            found[Role.FIRST] = _loaded(storage, Production(first, encoder))
        except (BundleError, MissingObject) as error:
            missing = f"The bundle of the first certified model {first.version} is gone: {error}."
            return Opponents(found, first.id, missing)
    return _checked(found, first.id)


def _checked(found: dict[Role, Opponent], first: uuid.UUID | None) -> Opponents:
    for one in found.values():
        if one.seen is None:
            version = one.model.version
            return Opponents(
                found,
                first,
                f"The list of the photos that model {version} was trained on is gone, so none is "
                f"known to be new to it: restore {training_photos.key_of(version)} from a backup.",
            )
    return Opponents(found, first)


def _loaded(storage: Storage, found: Production) -> Opponent:
    bundle = registry.load_bundle(storage, found.model)
    seen = training_photos.recall(storage, bundle.meta.version)
    return Opponent(found.model, found.encoder, bundle, seen)


def _encoder(session: Session, identity: EncoderIdentity) -> Encoder | None:
    return session.scalar(
        select(Encoder).where(
            Encoder.onnx_digest == identity.onnx_digest,
            Encoder.preprocessing_digest == identity.preprocessing_digest,
        )
    )
