"""Encoders on photos that they were not trained on, beside chance and the baselines."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from mycovigil.vision.encoder.identity import EncoderIdentity, locate
from mycovigil_training.encoder.evaluate import scores
from mycovigil_training.encoder.evaluate.baselines import colour_histogram, random_tower
from mycovigil_training.encoder.evaluate.holdout import held_out
from mycovigil_training.encoder.export.runtime import Encode, in_batches, open_graph
from mycovigil_training.encoder.export.sample_photos import squares
from mycovigil_training.encoder.pretrain.captions import SAFETY_CLASSES
from mycovigil_training.encoder.pretrain.photographs import Listed, read_listing
from mycovigil_training.encoder.pretrain.rendered import EMPTY_EVERY, as_file, draw
from mycovigil_training.encoder.pretrain.towers import MiniConfig

FIRST_SEED = 3_000_000  # apart from the seeds trained and calibrated on
FITTED_SHARE = 2 / 3


class Figures(BaseModel):
    """One encoder's scores; none where there was nothing to score on."""

    encoder: str
    same_nearest_balanced: float
    same_genus: float
    same_auroc: float
    other_nearest_balanced: float
    other_genus: float
    other_auroc: float
    rendered_linear: float | None
    milliseconds: float | None = None


class Report(BaseModel):
    """Scores of several encoders on the same photos, and how many photos those were."""

    photos: dict[str, int]
    figures: list[Figures]


@dataclass(frozen=True)
class Collection:
    """Photo files and what is known of them, in one order."""

    files: Sequence[bytes]
    listed: Sequence[Listed]

    @classmethod
    def read(cls, folder: Path) -> Collection:
        """The photos of a folder.

        Raises:
            UnknownLayout: The folder is no dataset.
            FileNotFoundError: A photo that the manifest lists is missing.
        """
        listed = read_listing(folder)
        return cls([row.path.read_bytes() for row in listed], listed)

    @cached_property
    def safety(self) -> NDArray[np.str_]:
        """Safety class a photo."""
        return np.array([row.safety_class for row in self.listed])

    @cached_property
    def genus(self) -> NDArray[np.str_]:
        """First word of the species a photo."""
        return np.array([row.species.split()[0] for row in self.listed])

    @cached_property
    def held(self) -> NDArray[np.bool_]:
        """Rows that no encoder of ours was trained on, if it was trained on this folder."""
        return held_out([row.group for row in self.listed])

    @cached_property
    def empty(self) -> NDArray[np.bool_]:
        """Rows without a mushroom."""
        return np.asarray(self.safety == "not_mushroom")

    @cached_property
    def classed(self) -> NDArray[np.bool_]:
        """Rows with one of the four safety classes."""
        return np.isin(self.safety, SAFETY_CLASSES)


@dataclass(frozen=True)
class EvaluationPhotos:
    """What encoders are measured on.

    Attributes:
        same: The photographer trained on; only the held-out rows are queries.
        also: Other folders trained on, with or without mushrooms; their training rows help the
            mushroom-or-not probe.
        other: Another photographer, all of it held out.
        negatives: Photos without a mushroom; a quarter of them are held out.
        rendered: Simulator photos with their safety class.
    """

    same: Collection
    also: Sequence[Collection]
    other: Collection
    negatives: Collection
    rendered: Sequence[tuple[bytes, str]]

    @classmethod
    def read(
        cls, trained: Sequence[Path], other: Path, negatives: Path, rendered: int
    ) -> EvaluationPhotos:
        """Read the folders, the photographer of `same` first, and draw `rendered` mushrooms."""
        places = [place for place in range(2 * rendered) if place % EMPTY_EVERY][:rendered]
        photos = [draw(place, FIRST_SEED) for place in places]
        same, *also = (Collection.read(folder) for folder in trained)
        return cls(
            same,
            also,
            Collection.read(other),
            Collection.read(negatives),
            [(as_file(photo), str(photo.safety_class)) for photo in photos],
        )


def evaluate_encoders(photos: EvaluationPhotos, uris: Sequence[str]) -> Report:
    """Score chance, both baselines and the encoders at `uris` (packaged names or folders).

    Raises:
        FileNotFoundError: There is no encoder at a URI.
        EncoderMismatch: A graph is not the one that its identity describes.
    """
    size = MiniConfig().image_size
    rows = [
        chance(photos),
        _score("colour histogram", colour_histogram, photos, size, "shortest"),
        _score("random tower", random_tower, photos, size, "shortest"),
    ]
    for uri in uris:
        folder = locate(uri)
        identity = EncoderIdentity.read(folder)
        path = identity.checked_onnx(folder)
        opened = open_graph(path, identity.runtime, identity.runtime_options)

        def encode(pixels: NDArray[np.uint8], opened: Encode = opened) -> NDArray[np.float32]:
            return in_batches(opened, pixels, 32)

        row = _score(uri, encode, photos, identity.image_size, identity.resize)
        rows.append(row.model_copy(update={"milliseconds": _milliseconds(encode, identity)}))
    counts = {
        "same, reference": int((~photos.same.held).sum()),
        "same, held out": int(photos.same.held.sum()),
        "also trained on": sum(int((~part.held).sum()) for part in photos.also),
        "other": len(photos.other.files),
        "no mushroom, reference": int((~photos.negatives.held).sum()),
        "no mushroom, held out": int(photos.negatives.held.sum()),
        "rendered": len(photos.rendered),
    }
    return Report(photos=counts, figures=rows)


def chance(photos: EvaluationPhotos) -> Figures:
    """What guessing scores: the majority for genus, a coin for the rest."""
    common = Counter(photos.same.genus[~photos.same.held].tolist()).most_common(1)[0][0]
    return Figures(
        encoder="chance",
        same_nearest_balanced=1 / len(SAFETY_CLASSES),
        same_genus=float((photos.same.genus[photos.same.held] == common).mean()),
        same_auroc=0.5,
        other_nearest_balanced=1 / len(SAFETY_CLASSES),
        other_genus=float((photos.other.genus == common).mean()),
        other_auroc=0.5,
        rendered_linear=1 / len(SAFETY_CLASSES) if photos.rendered else None,
    )


def table(report: Report) -> str:
    """A Markdown table of the figures."""
    head = (
        "| | same: kNN balanced | genus kNN | mushroom AUROC | other: kNN balanced | genus kNN "
        "| mushroom AUROC | rendered: linear | ms |\n|---|---|---|---|---|---|---|---|---|"
    )
    lines = [head]
    for row in report.figures:
        values = list(row.model_dump(exclude={"encoder"}).values())
        cells = ["–" if value is None else f"{value:.3f}" for value in values]
        lines.append(f"| {row.encoder} | " + " | ".join(cells) + " |")
    counts = ", ".join(f"{name}: {count}" for name, count in report.photos.items())
    return "\n".join(lines) + f"\n\nPhotos: {counts}"


def _score(name: str, encode: Encode, photos: EvaluationPhotos, size: int, resize: str) -> Figures:
    same, other, negatives = (
        encode(squares(part.files, size, resize))
        for part in (photos.same, photos.other, photos.negatives)
    )
    seen = ~photos.same.held
    held = photos.same.held
    unseen_negatives = negatives[photos.negatives.held]
    seen_classed, held_classed = seen & photos.same.classed, held & photos.same.classed
    reference, classes = same[seen_classed], photos.same.safety[seen_classed]
    known, genera = same[seen], photos.same.genus[seen]
    mushrooms, others = [known], [negatives[~photos.negatives.held]]
    for part in photos.also:
        rows = encode(squares(part.files, size, resize))
        mushrooms.append(rows[~part.held & ~part.empty])
        others.append(rows[~part.held & part.empty])
    probe = (np.concatenate(mushrooms), np.concatenate(others))
    classed = photos.other.classed
    return Figures(
        encoder=name,
        same_nearest_balanced=scores.nearest_balanced_accuracy(
            reference, classes, same[held_classed], photos.same.safety[held_classed]
        ),
        same_genus=scores.nearest_accuracy(known, genera, same[held], photos.same.genus[held]),
        same_auroc=scores.detection_auroc(*probe, same[held], unseen_negatives),
        other_nearest_balanced=scores.nearest_balanced_accuracy(
            reference, classes, other[classed], photos.other.safety[classed]
        ),
        other_genus=scores.nearest_accuracy(known, genera, other, photos.other.genus),
        other_auroc=scores.detection_auroc(*probe, other, unseen_negatives),
        rendered_linear=_rendered_linear(encode, photos, size, resize),
    )


def _rendered_linear(
    encode: Encode, photos: EvaluationPhotos, size: int, resize: str
) -> float | None:
    if not photos.rendered:
        return None
    features = encode(squares((file for file, _ in photos.rendered), size, resize))
    labels = np.array([label for _, label in photos.rendered])
    fitted = round(FITTED_SHARE * len(labels))
    return scores.linear_macro_recall(
        features[:fitted], labels[:fitted], features[fitted:], labels[fitted:]
    )


def _milliseconds(encode: Encode, identity: EncoderIdentity) -> float:
    """CPU time an image, one thread, one image at a time; the best of five rounds of twenty."""
    pixels = np.zeros((1, identity.image_size, identity.image_size, 3), dtype=np.uint8)
    encode(pixels)
    rounds = []
    for _ in range(5):
        start = time.process_time()
        for _ in range(20):
            encode(pixels)
        rounds.append((time.process_time() - start) / 20)
    return 1000.0 * min(rounds)
