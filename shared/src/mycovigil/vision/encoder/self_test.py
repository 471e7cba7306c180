"""Fixed pictures and their features at export, to check that this machine computes the same.

The same file need not compute the same elsewhere: int8 products saturate on processors without
VNNI, bf16 may be emulated or left out, a runtime's next version may have a fault.
"""

import base64

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mycovigil.vision.encoder.identity import EncoderMismatch

PICTURES = 6
GRID = 7
# Of features with the pictures' mean subtracted.
LEAST_COSINE = 0.99


def pictures(size: int) -> NDArray[np.uint8]:
    """(6, size, size, 3) smooth colours, the same on every machine."""
    grids = np.random.default_rng(0).integers(0, 256, (PICTURES, GRID, GRID, 3), dtype=np.uint8)
    scaled = [Image.fromarray(grid).resize((size, size)) for grid in grids]
    return np.stack([np.asarray(picture, dtype=np.uint8) for picture in scaled])


def to_text(features: NDArray[np.float32]) -> str:
    """(6, D) features as text for ``encoder.json``, in half precision."""
    return base64.b64encode(features.astype("<f2").tobytes()).decode()


def check(features: NDArray[np.float32], expected: str) -> None:
    """Compare features of the pictures with those of the export.

    Raises:
        EncoderMismatch: this machine computes another encoder.
    """
    half = np.frombuffer(base64.b64decode(expected), dtype="<f2")
    known = half.reshape(PICTURES, -1).astype(np.float64)
    if known.shape != features.shape:
        raise EncoderMismatch(f"features of shape {features.shape}, at export {known.shape}")
    mean = known.mean(axis=0)
    left, right = known - mean, features - mean
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    least = float(((left * right).sum(axis=1) / np.maximum(lengths, 1e-12)).min())
    if not least >= LEAST_COSINE:
        raise EncoderMismatch(
            f"on this machine the encoder computes something else than where it was exported "
            f"(least centred cosine {least:.4f}, below {LEAST_COSINE}): export it again here, "
            "with --precision auto"
        )
