"""Candidates beside fp32 on the same photos: features, predictions of a head, CPU time."""

from __future__ import annotations

import platform
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mycovigil.models.bundle import Bundle
from mycovigil.models.safety import CLASSES
from mycovigil_training.encoder.export.parity import row_cosines
from mycovigil_training.encoder.export.runtime import Encode
from mycovigil_training.encoder.export.sample_photos import TooFewPhotos
from mycovigil_training.progress import tracked

BATCH = 8
ROUNDS = 7
Predict = Callable[[NDArray[np.float32]], NDArray[np.int64]]


@dataclass(frozen=True)
class Agreement:
    """Of a candidate with fp32, the worse of batches of 8 and of 1 for each photo."""

    centred_cosine_mean: float
    centred_cosine_min: float
    changed: int


class Reference:
    """Features of fp32 on the photos, and a head's predictions on them."""

    def __init__(self, encode: Encode, pixels: NDArray[np.uint8]) -> None:
        self._pixels = pixels
        self.features = _features(encode, pixels, BATCH, "fp32")

    def agreement(self, encode: Encode, predict: Predict, name: str) -> Agreement:
        """How a candidate's features and their predictions agree with fp32's."""
        cosines, changed = [], np.zeros(len(self._pixels), dtype=np.bool_)
        mean, predicted = self.features.mean(axis=0), predict(self.features)
        for batch in (BATCH, 1):
            features = _features(encode, self._pixels, batch, f"{name}, batches of {batch}")
            cosines.append(row_cosines(self.features - mean, features - mean))
            changed |= predict(features) != predicted
        worse = np.minimum(*cosines)
        return Agreement(float(worse.mean()), float(worse.min()), int(changed.sum()))


def head_of(bundle: Bundle) -> Predict:
    """The classes that a trained model's head predicts."""

    def predict(features: NDArray[np.float32]) -> NDArray[np.int64]:
        return np.asarray(bundle.probabilities(features).argmax(axis=1), dtype=np.int64)

    return predict


def fitted_head(features: NDArray[np.float32], classes: Sequence[str]) -> Predict:
    """A linear head fitted on one half of the photos for the other and the reverse, so that no
    photo is judged by a head that has seen it.

    Raises:
        TooFewPhotos: Fewer than two photos of each of two safety classes.
    """
    from sklearn.linear_model import LogisticRegression

    labels = np.array([CLASSES.index(one) if one in CLASSES else -1 for one in classes])
    half = np.arange(len(labels)) % 2
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-6
    heads = []
    for side in (0, 1):
        rows = (half != side) & (labels >= 0)
        require_classes([CLASSES[label] for label in labels[rows]])
        head = LogisticRegression(C=0.1, max_iter=500, class_weight="balanced")
        heads.append(head.fit((features[rows] - mean) / spread, labels[rows]))

    def predict(rows: NDArray[np.float32]) -> NDArray[np.int64]:
        scaled = (rows - mean) / spread
        predicted = np.where(half == 0, *(head.predict(scaled) for head in heads))
        return np.asarray(predicted, dtype=np.int64)

    return predict


def require_classes(classes: Sequence[str]) -> None:
    """Refuse photos that no head can be fitted on.

    Raises:
        TooFewPhotos: They show fewer than two safety classes.
    """
    if len(set(classes) & set(CLASSES)) < 2:
        raise TooFewPhotos(
            "the photos carry too few safety classes to fit a head on: give a folder in a "
            "dataset's layout (Classes/<class>/<species>, or manifest.csv), or --model"
        )


def timed(
    encoders: Mapping[str, Encode], pixels: NDArray[np.uint8]
) -> dict[str, tuple[float, float]]:
    """CPU ms an image of each encoder, in batches of 8 and of 1: medians over shuffled rounds."""
    seconds: dict[tuple[str, int], list[float]] = {}
    chance = random.Random(0)
    cells = [(name, batch) for name in encoders for batch in (BATCH, 1)]
    for turn in range(ROUNDS + 1):  # the first warms up
        chance.shuffle(cells)
        for name, batch in cells:
            start = time.process_time()
            for place in range(0, BATCH, batch):
                encoders[name](pixels[place : place + batch])
            if turn:
                seconds.setdefault((name, batch), []).append(time.process_time() - start)
    middle = {cell: 1_000 / BATCH * statistics.median(found) for cell, found in seconds.items()}
    return {name: (middle[name, BATCH], middle[name, 1]) for name in encoders}


def machine() -> str:
    """The processor's name, as far as the system tells it."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text(encoding="utf-8").splitlines() if facts.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _features(
    encode: Encode, pixels: NDArray[np.uint8], batch: int, what: str
) -> NDArray[np.float32]:
    starts = tracked(range(0, len(pixels), batch), what)
    return np.concatenate([encode(pixels[start : start + batch]) for start in starts])
