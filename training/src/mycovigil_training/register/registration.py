"""A finished bundle enters the registry, with its reference set; the caller owns the session."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from mycovigil.db.model import Model
from mycovigil.models import registry
from mycovigil.models.bundle import Bundle
from mycovigil.references.frozen_rows import freeze
from mycovigil.storage import Storage
from mycovigil_training.features.engine import Engine
from mycovigil_training.features.table import FeatureTable
from mycovigil_training.register.reference_photos import ReferencePhotos
from mycovigil_training.register.reference_set import frozen_rows
from mycovigil_training.retrain import training_photos


@dataclass(frozen=True, slots=True)
class ReferenceRows:
    """Rows of the reference set, and where they come from (``training`` or ``production``)."""

    rows: FeatureTable
    source: str

    def chosen(self, most: int, seed: int) -> "ReferenceRows":
        """At most ``most`` of them, drawn at random."""
        if len(self.rows) <= most:
            return self
        numbers = np.random.default_rng(seed).choice(len(self.rows), most, replace=False)
        return replace(self, rows=self.rows.take(np.sort(numbers)))

    def with_photos(self, storage: Storage, reference_photos: ReferencePhotos) -> "ReferenceRows":
        """With the keys of their photos in storage, for galleries."""
        return replace(self, rows=reference_photos.stored(storage, self.rows))


def with_gate(bundle: Bundle, evidence: dict[str, Any]) -> Bundle:
    """The bundle with the gate's evidence among its metrics."""
    meta = bundle.meta.model_copy(update={"metrics": bundle.meta.metrics | {"gate": evidence}})
    return bundle.model_copy(update={"meta": meta})


def register(
    session: Session,
    storage: Storage,
    bundle: Bundle,
    *,
    engine: Engine,
    parent: Model | None,
    reference_rows: ReferenceRows,
    seen: list[str],
) -> Model:
    """Encoder row, bundle, candidate row and frozen reference set, in the caller's transaction.

    Args:
        seen: the sha256 of the photos that no gate may judge the model on.
    """
    encoder_id = registry.register_encoder(session, engine.identity, engine.uri)
    training_photos.remember(storage, bundle.meta.version, seen)
    model = registry.register_model(
        session,
        storage,
        bundle,
        encoder_id=encoder_id,
        parent_id=parent.id if parent else None,
    )
    freeze(
        session,
        model,
        frozen_rows(bundle, reference_rows.rows),
        name=f"{reference_rows.source} of {bundle.meta.version}",
        source=reference_rows.source,
    )
    return model
