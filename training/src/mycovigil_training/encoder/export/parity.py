"""Compares an exported graph with its torch model: cosines on photos, and a bound."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

BOUNDS = {
    "fp32": 0.9999,
    "fp16": 0.9995,
    "bf16": 0.9995,
    "int8": 0.995,
    "int8-grouped": 0.995,
    "int8-weights": 0.995,
}


class ParityFailure(ValueError):
    """The graph strays from the torch model further than allowed; nothing was exported."""


class Parity(BaseModel):
    """Agreement of the graph with the torch model, row by row over `photos` photos.

    Attributes:
        cosine_mean, cosine_min: Of the features themselves.
        centred_cosine_mean, centred_cosine_min: After subtracting the torch features' mean.
            Features of different photos are alike, so plain cosine flatters.
        own_transform_cosine_min: Against the library's own preprocessing of the same files, our
            decoding included; none where there is no such transform or no files.
        bound: Least `cosine_min` that was accepted.
    """

    model_config = ConfigDict(frozen=True)

    photos: int
    cosine_mean: float
    cosine_min: float
    centred_cosine_mean: float
    centred_cosine_min: float
    own_transform_cosine_min: float | None = None
    bound: float


def compare(
    reference: NDArray[np.float32],
    features: NDArray[np.float32],
    *,
    bound: float,
    own_transform: NDArray[np.float32] | None = None,
) -> Parity:
    """Measure the agreement of two `(n, dimension)` arrays.

    Raises:
        ParityFailure: A photo's cosine is below `bound`, or a feature is not finite.
    """
    plain = row_cosines(reference, features)
    mean = reference.mean(axis=0)
    centred = row_cosines(reference - mean, features - mean)
    own = None if own_transform is None else float(row_cosines(own_transform, features).min())
    if not np.isfinite(features).all() or plain.min() < bound:
        raise ParityFailure(
            f"least cosine to the torch model is {plain.min():.5f} over {len(plain)} photos, "
            f"below the bound {bound}; export with more precision, or give more calibration photos"
        )
    return Parity(
        photos=len(plain),
        cosine_mean=float(plain.mean()),
        cosine_min=float(plain.min()),
        centred_cosine_mean=float(centred.mean()),
        centred_cosine_min=float(centred.min()),
        own_transform_cosine_min=own,
        bound=bound,
    )


def row_cosines(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    """Cosine of each row of `a` with the same row of `b`."""
    left, right = a.astype(np.float64), b.astype(np.float64)
    norms = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return np.asarray((left * right).sum(axis=1) / np.maximum(norms, 1e-12))
