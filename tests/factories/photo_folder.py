"""A folder of made-up photos in Kaggle's layout, whose classes a pooled-colour encoder can tell."""

from pathlib import Path

import numpy as np
from factories.photo import encoded
from PIL import Image

from mycovigil.models.safety import CLASSES

SIDE = 48


def photo_folder(folder: Path, *, species: int = 2, photos: int = 30, seed: int = 0) -> Path:
    """``Classes/<class>/<Class_n>/<n>.jpg``: ``species`` a class, ``photos`` a species, each of
    another specimen. The class sets the colours of a smooth picture, the species its shades."""
    rng = np.random.default_rng(seed)
    for name in CLASSES:
        for number in range(species):
            place = folder / "Classes" / name.value / f"{name.value.capitalize()}_{number}"
            place.mkdir(parents=True)
            for photo in range(photos):
                data = photo_of(CLASSES.index(name), number, rng)
                (place / f"{photo:03}.jpg").write_bytes(data)
    return folder


def photo_of(label: int, species: int, rng: np.random.Generator) -> bytes:
    """A JPEG of class ``label``: its own colours, with noise that overlaps a little."""
    pattern = np.random.default_rng([label, 17]).uniform(60, 200, (4, 4, 3))
    shade = np.random.default_rng([label, species, 3]).normal(0, 12, (4, 4, 3))
    small = np.clip(pattern + shade + rng.normal(0, 28, (4, 4, 3)), 0, 255).astype(np.uint8)
    picture = Image.fromarray(small).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return encoded(picture, "JPEG", quality=90)
