"""What decoding JPEGs at a fraction of their size does to embeddings and to a head's predictions.

    python benchmarks/decode_bound.py ../shared/data --encoder mini/int8 mini/fp16 FOLDER

Every photo is decoded at its full size and, by each factor, at a fraction; `FOLDER` is an ImageNet
network, made by `imagenet_encoder.py`. The bound: no coordinate of a unit embedding moves by more
than .003, and no more than 1 in 1,000 predictions of a head change; the head is fitted on one half
of the photos and judges the other, and the reverse.
"""

import argparse
import csv
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mycovigil.vision.image.decode import decode
from mycovigil_training.encoder.export.agreement import fitted_head
from mycovigil_training.features.engine import Engine

MOST_MOVED, MOST_CHANGED = 0.003, 1 / 1_000
FULL_SIZE = 1_000.0
MAX_PIXELS = 10**8
BATCH = 32
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Moved:
    """Of ``photos``, ``scaled`` were decoded at a fraction; ``most`` of any coordinate; ``changed``
    predictions of the head."""

    encoder: str
    factor: float
    photos: int
    scaled: int
    most: float
    least_cosine: float
    changed: int

    @property
    def within(self) -> bool:
        return self.most <= MOST_MOVED and self.changed <= MOST_CHANGED * self.photos


def listed(root: Path) -> Iterator[tuple[Path, str]]:
    """All photos with their safety classes: by manifests, or by folders of the Kaggle set."""
    for manifest in sorted(root.glob("*/manifest.csv")):
        with manifest.open(newline="") as file:
            for row in csv.DictReader(file):
                yield manifest.parent / row["path"], row["safety_class"]
    for folder in sorted(root.glob("*/Classes/*")):
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                yield path, folder.name


def moved(
    photos: list[tuple[Path, str]], engine: Engine, factors: Sequence[float]
) -> Iterator[Moved]:
    """For each factor, against the photos at their full size."""
    whole = _features(engine, [_pixels(engine, path, FULL_SIZE) for path, _ in photos])
    head = fitted_head(whole, [name for _, name in photos])
    before = head(whole)
    for factor in factors:
        places, squares = [], []
        for place, (path, _) in enumerate(photos):
            full, part = (_pixels(engine, path, one) for one in (FULL_SIZE, factor))
            if (full != part).any():
                places.append(place)
                squares.append(part)
        features = whole.copy()
        if places:
            features[places] = _features(engine, squares)
        yield Moved(
            engine.uri,
            factor,
            len(photos),
            len(places),
            most=float(np.abs(features - whole).max()),
            least_cosine=float((features * whole).sum(axis=1).min()),
            changed=int((head(features) != before).sum()),
        )


def _pixels(engine: Engine, path: Path, factor: float) -> Pixels:
    identity = engine.identity
    return decode(
        path.read_bytes(),
        size=identity.image_size,
        max_pixels=MAX_PIXELS,
        resize=identity.resize,
        draft_factor=factor,
    ).pixels


def _features(engine: Engine, squares: list[Pixels]) -> NDArray[np.float32]:
    parts = [
        engine.encode(np.stack(squares[start : start + BATCH]))
        for start in range(0, len(squares), BATCH)
    ]
    return np.concatenate(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--encoder", nargs="+", default=["mini/int8", "mini/fp16"])
    parser.add_argument("--factor", nargs="+", type=float, help="instead of the encoder's own")
    options = parser.parse_args()
    photos = list(listed(options.photos))
    for engine in map(Engine, options.encoder):
        for found in moved(photos, engine, options.factor or [engine.identity.draft_factor]):
            print(asdict(found), "within the bound" if found.within else "OUT OF BOUND", flush=True)


if __name__ == "__main__":
    main()
