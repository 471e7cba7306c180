"""Rows that a training run freezes as its model's reference set, and their file."""

import datetime
import hashlib
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save
from sqlalchemy import insert
from sqlalchemy.orm import Session

from mycovigil.db.base import new_id
from mycovigil.db.model import Model
from mycovigil.db.reference import ReferenceSample, ReferenceSet
from mycovigil.models.safety import CLASSES
from mycovigil.vision.image.covariates import NAMES

INTEGERS = frozenset({"width", "height"})
ARRAYS = ("features", "probabilities", "distances", "covariates", "labels")
TEXTS = ("species", "groups", "sha256", "image_keys")


@dataclass(frozen=True, slots=True)
class FrozenRows:
    """N photos: unit ``features`` (N, D), calibrated ``probabilities`` (N, 4), novelty
    ``distances`` (N,), ``covariates`` (N, 8; NaN is missing), ``labels`` (N,) class numbers or -1;
    ``species``, ``groups``, ``sha256`` and ``image_keys`` (N,), empty where unknown."""

    features: NDArray[np.floating[Any]]
    probabilities: NDArray[np.floating[Any]]
    distances: NDArray[np.floating[Any]]
    covariates: NDArray[np.floating[Any]]
    labels: NDArray[np.integer[Any]]
    species: NDArray[np.str_]
    groups: NDArray[np.str_]
    sha256: NDArray[np.str_]
    image_keys: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def content_hash(self) -> str:
        """sha256 over features (as float16, which is what is stored), labels and photo digests."""
        hashed = hashlib.sha256(self.features.astype("<f2").tobytes())
        hashed.update(self.labels.astype("<i8").tobytes())
        hashed.update("\n".join(self.sha256.tolist()).encode())
        return hashed.hexdigest()

    def to_bytes(self) -> bytes:
        """A safetensors file: numbers as small as the database stores them, texts as metadata."""
        arrays: dict[str, NDArray[Any]] = {
            "features": self.features.astype(np.float16),
            "probabilities": self.probabilities.astype(np.float32),
            "distances": self.distances.astype(np.float32),
            "covariates": self.covariates.astype(np.float32),
            "labels": self.labels.astype(np.int8),
        }
        metadata = {name: json.dumps(getattr(self, name).tolist()) for name in TEXTS}
        return bytes(save(arrays, metadata=metadata))

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        length = int.from_bytes(data[:8], "little")
        metadata = json.loads(data[8 : 8 + length])["__metadata__"]
        arrays = load(data)
        columns: dict[str, Any] = {name: arrays[name] for name in ARRAYS}
        columns |= {name: np.asarray(json.loads(metadata[name]), dtype=np.str_) for name in TEXTS}
        return cls(**columns)


def freeze(
    session: Session, model: Model, rows: FrozenRows, *, name: str, source: str
) -> ReferenceSet:
    """Write the rows as the model's frozen reference set."""
    reference = ReferenceSet(
        id=new_id(),
        name=name,
        source=source,
        model_id=model.id,
        encoder_id=model.encoder_id,
        content_hash=rows.content_hash,
        rows=len(rows),
        frozen_at=datetime.datetime.now(tz=datetime.UTC),
    )
    session.add(reference)
    session.flush()
    if len(rows):
        session.execute(insert(ReferenceSample), list(_samples(reference.id, rows)))
    return reference


def _samples(reference_id: uuid.UUID, rows: FrozenRows) -> Iterator[dict[str, Any]]:
    for ordinal in range(len(rows)):
        label = int(rows.labels[ordinal])
        yield {
            "reference_set_id": reference_id,
            "ordinal": ordinal,
            "features": rows.features[ordinal],
            "probabilities": rows.probabilities[ordinal].tolist(),
            "distance": float(rows.distances[ordinal]),
            "label": CLASSES[label].value if label >= 0 else None,
            "species": str(rows.species[ordinal]) or None,
            "group_key": str(rows.groups[ordinal]) or None,
            "image_sha256": str(rows.sha256[ordinal]) or None,
            "image_key": str(rows.image_keys[ordinal]) or None,
        } | _covariates(rows.covariates[ordinal])


def _covariates(values: NDArray[np.floating[Any]]) -> dict[str, float | int | None]:
    return {
        name: (int(value) if name in INTEGERS else float(value)) if np.isfinite(value) else None
        for name, value in zip(NAMES, values, strict=True)
    }
