"""Freeze a reference set: what calm looks like to a model, content-hashed, in Postgres."""

import datetime
import hashlib
import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert
from sqlalchemy.orm import Session

from mycovigil.db.base import new_id
from mycovigil.db.model import Model
from mycovigil.db.reference import ReferenceSample, ReferenceSet
from mycovigil.models.bundle import Bundle
from mycovigil.models.safety import CLASSES
from mycovigil.vision.image.covariates import NAMES
from mycovigil_training.features.table import FeatureTable
from mycovigil_training.model.scoring import distances, probabilities

INTEGERS = frozenset({"width", "height"})


def freeze(
    session: Session,
    model: Model,
    bundle: Bundle,
    rows: FeatureTable,
    *,
    name: str,
    source: str,
) -> ReferenceSet:
    """Write the rows as the model's frozen reference set."""
    reference = ReferenceSet(
        id=new_id(),
        name=name,
        source=source,
        model_id=model.id,
        encoder_id=model.encoder_id,
        content_hash=content_hash(rows),
        rows=len(rows),
        frozen_at=datetime.datetime.now(tz=datetime.UTC),
    )
    session.add(reference)
    session.flush()
    if len(rows):
        session.execute(insert(ReferenceSample), list(_samples(reference.id, rows, bundle)))
    return reference


def content_hash(rows: FeatureTable) -> str:
    """sha256 over features (as float16, which is what is stored), labels and photo digests."""
    hashed = hashlib.sha256(rows.features.astype("<f2").tobytes())
    hashed.update(rows.labels.astype("<i8").tobytes())
    hashed.update("\n".join(rows.sha256.tolist()).encode())
    return hashed.hexdigest()


def _samples(reference_id: uuid.UUID, rows: FeatureTable, bundle: Bundle) -> Iterator[Any]:
    chances = probabilities(bundle, rows.features)
    far = distances(bundle, rows.features)
    for ordinal in range(len(rows)):
        label = int(rows.labels[ordinal])
        yield {
            "reference_set_id": reference_id,
            "ordinal": ordinal,
            "features": rows.features[ordinal],
            "probabilities": chances[ordinal].tolist(),
            "distance": float(far[ordinal]),
            "label": CLASSES[label].value if label >= 0 else None,
            "species": str(rows.species[ordinal]) or None,
            "group_key": str(rows.groups[ordinal]) or None,
            "image_sha256": str(rows.sha256[ordinal]) or None,
            "image_key": str(rows.image_keys[ordinal]) or None,
        } | _covariates(rows.covariates[ordinal])


def _covariates(values: NDArray[np.float64]) -> dict[str, float | int | None]:
    return {
        name: (int(value) if name in INTEGERS else float(value)) if np.isfinite(value) else None
        for name, value in zip(NAMES, values, strict=True)
    }
