"""One of several photos of an answer: what was judged of it, as it is stored in the answer's row.

The answer is one: its label, its idempotency key and its id stand for all its photos, and a label
of a person holds for each. What is compared with single photos is each photo by itself, for the
mean of several varies less than one.
"""

import math
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class PhotoRow:
    """``features`` (D,) float32, exact in half precision; ``label``: the class predicted from this
    photo alone; ``covariates`` by name; ``fingerprint`` of the picture."""

    features: NDArray[np.float32]
    probabilities: list[float]
    label: str
    distance: float
    image_sha256: str
    covariates: dict[str, float | int | None]
    fingerprint: bytes

    def document(self) -> dict[str, Any]:
        """As JSON: covariates beside the rest, so that SQL sums them like columns; null for what
        is no finite number."""
        return {
            "features": b64encode(self.features.astype("<f2").tobytes()).decode(),
            "probabilities": [_finite(value) for value in self.probabilities],
            "label": self.label,
            "distance": _finite(self.distance),
            "image_sha256": self.image_sha256,
            "fingerprint": b64encode(self.fingerprint).decode(),
            **self.covariates,
        }

    @classmethod
    def of(cls, document: dict[str, Any]) -> Self:
        """Undo :meth:`document`; null is NaN again."""
        rest = dict(document)
        half = np.frombuffer(b64decode(rest.pop("features")), dtype="<f2")
        return cls(
            features=half.astype(np.float32),
            probabilities=[_number(value) for value in rest.pop("probabilities")],
            label=rest.pop("label"),
            distance=_number(rest.pop("distance")),
            image_sha256=rest.pop("image_sha256"),
            fingerprint=b64decode(rest.pop("fingerprint")),
            covariates=rest,
        )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _number(value: float | None) -> float:
    return math.nan if value is None else value
