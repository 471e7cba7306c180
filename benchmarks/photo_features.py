"""Real photos of `../shared/data` as an encoder and the covariates see them."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from rich.console import Console
from rich.progress import track

from mycovigil.references.feature_rows import Rows
from mycovigil.vision.encoder.identity import EncoderIdentity
from mycovigil.vision.image.covariates import measure
from mycovigil.vision.image.decode import decode
from mycovigil_statistics.sample import FloatArray, IntArray

PIXEL_COVARIATES = 5
TERMINAL = Console(stderr=True)


@dataclass(frozen=True, slots=True, eq=False)
class Photos:
    """Of each photo: features (n, d), pixel covariates (n, 5), safety class, species-day, date;
    distances (n,) and probabilities (n, 4) once `Teacher.rated` gave them."""

    features: FloatArray
    covariates: FloatArray
    classes: np.ndarray
    groups: np.ndarray
    captured: np.ndarray
    distances: FloatArray
    probabilities: FloatArray

    def take(self, rows: IntArray) -> "Photos":
        return Photos(*(getattr(self, name)[rows] for name in self.__slots__))

    def joined(self, other: "Photos") -> "Photos":
        names = self.__slots__
        return Photos(*(np.concatenate([getattr(self, n), getattr(other, n)]) for n in names))

    def __len__(self) -> int:
        return len(self.features)

    def rows(self, *, groups: bool) -> Rows:
        """As the worker reads them: features with 16 bits."""
        alone: list[str | None] = [None] * len(self)
        return Rows(
            keys=list(range(len(self))),
            features=self.features.astype(np.float16).astype(np.float32),
            probabilities=self.probabilities,
            covariates=self.covariates,
            distances=self.distances,
            groups=self.groups.tolist() if groups else alone,
            labels=alone,
        )


def embed(folder: Path, encoder: Path) -> Photos:
    """Encode and measure every photo of a folder's manifest."""
    identity = EncoderIdentity.read(encoder)
    session = onnxruntime.InferenceSession(identity.checked_onnx(encoder))
    with (folder / "manifest.csv").open() as file:
        photos = list(csv.DictReader(file))
    features, covariates = [], []
    for start in track(range(0, len(photos), 32), folder.name, console=TERMINAL):
        images = [
            decode(
                (folder / photo["path"]).read_bytes(),
                size=identity.image_size, max_pixels=50_000_000, resize=identity.resize,
            )
            for photo in photos[start : start + 32]
        ]  # fmt: skip
        pixels = np.stack([image.pixels for image in images])
        features.append(session.run(None, {"pixels": pixels})[0])
        covariates += [measure(image).vector()[:PIXEL_COVARIATES] for image in images]
    count = len(photos)
    return Photos(
        np.vstack(features).astype(np.float32),
        np.array(covariates, np.float32),
        np.array([photo["safety_class"] for photo in photos]),
        np.array([f"{photo['species']}|{photo['captured_at'][:10]}" for photo in photos]),
        np.array([photo["captured_at"][:10] or "NaT" for photo in photos], "datetime64[D]"),
        np.zeros(count, np.float32),
        np.zeros((count, 0), np.float32),
    )
