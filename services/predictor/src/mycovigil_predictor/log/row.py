"""A row of the prediction log, as it is written to Postgres and to the spool."""

import base64
import datetime
import json
import uuid
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mycovigil.db.base import instant_of


@dataclass(frozen=True, slots=True)
class Claim:
    """An idempotency key that belongs to a row; ``fingerprint`` identifies its photos."""

    client: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Row:
    """Columns of ``predictions`` (see :class:`mycovigil.db.prediction.Prediction`); ``features``
    (D,) float32, exact in half precision. ``nearest_species`` is no column: it follows from the
    features, and is none where it was not computed. Rows that older versions spooled have neither
    ``photo_rows`` nor ``fingerprint``."""

    id: uuid.UUID
    request_id: str
    trace_id: str | None
    client: str
    group_key: str | None
    app_version: str | None
    model_id: uuid.UUID
    encoder_id: uuid.UUID
    features: NDArray[np.float32]
    probabilities: list[float]
    label: str
    prediction_set: list[str]
    verdict: str
    certificate: str
    reasons: list[dict[str, str]]
    distance: float
    photos: int
    image_sha256: str
    image_key: str | None
    latency_ms: float
    covariates: dict[str, float | int | None]
    claim: Claim | None = None
    nearest_species: tuple[str, ...] | None = None
    key_prefix: str | None = None
    photo_rows: list[dict[str, Any]] | None = None
    fingerprint: bytes | None = None

    @property
    def created_at(self) -> datetime.datetime:
        """The instant inside the id, to the millisecond."""
        return instant_of(self.id)

    @property
    def day(self) -> datetime.date:
        """The UTC day whose partition holds the row."""
        return self.created_at.date()

    def to_json(self) -> bytes:
        values: dict[str, Any] = {name: getattr(self, name) for name in NAMES}
        half = self.features.astype("<f2").tobytes()
        values["features"] = base64.b64encode(half).decode()
        values["fingerprint"] = self.fingerprint and base64.b64encode(self.fingerprint).decode()
        values["claim"] = asdict(self.claim) if self.claim else None
        values[SPECIES] = values.pop("nearest_species")
        return json.dumps(values, default=str).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        values = json.loads(data)
        half = np.frombuffer(base64.b64decode(values["features"]), dtype="<f2")
        values["features"] = half.astype(np.float32)
        for name in ("id", "model_id", "encoder_id"):
            values[name] = uuid.UUID(values[name])
        values["claim"] = Claim(**values["claim"]) if values["claim"] else None
        if values.get("fingerprint"):
            values["fingerprint"] = base64.b64decode(values["fingerprint"])
        species = values.pop(SPECIES)
        values["nearest_species"] = None if species is None else tuple(species)
        return cls(**values)


# The key in spools that older versions have written.
SPECIES = "kin"
NAMES = tuple(field.name for field in fields(Row))
