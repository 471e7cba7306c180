"""Photos from the simulator, for training: every known species alike, some without a mushroom.

Novel species are left out on purpose: they are what the drift engine has to notice later.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from mycovigil_training.encoder.pretrain.photographs import SIDE, Photographs

if TYPE_CHECKING:
    from mycovigil_simulator.photo import Photo

FIRST_SEED = 1_000_000  # clear of the small seeds of demo, tests and evaluation
EMPTY_EVERY = 8
SIMULATOR = "simulator"
COLUMNS = ("pixels", "aspect", "species", "safety_class", "group", "rendered", "caption")


def render_photographs(
    count: int, report: Callable[[int], None], first_seed: int = FIRST_SEED, side: int = SIDE
) -> Photographs:
    """Draw `count` photos as JPEG files of the reference cameras would show them.

    Args:
        count: Number of photos; one in eight shows ground without a mushroom.
        report: Called with the number drawn so far.
        first_seed: Seed of the first photo; the following count up.
        side: Pixels of the squares that the drawn files are decoded to.
    """
    photos = []
    pixels = np.empty((count, side, side, 3), dtype=np.uint8)
    for i in range(count):
        photo = draw(i, first_seed)
        with Image.open(io.BytesIO(as_file(photo))) as image:
            shown = image.convert("RGB")
        if shown.size != (side, side):
            shown = shown.resize((side, side), Image.Resampling.BICUBIC)
        pixels[i] = np.asarray(shown)
        photos.append(photo)
        report(i + 1)
    return Photographs(
        pixels,
        np.ones(count, dtype=np.float32),
        tuple(photo.species.replace("_", " ") for photo in photos),
        tuple(str(photo.safety_class or "not_mushroom") for photo in photos),
        tuple(f"rendered {photo.specimen}" for photo in photos),
        (SIMULATOR,) * count,
        np.ones(count, dtype=np.bool_),
        tuple(photo.caption for photo in photos),
    )


def draw(place: int, first_seed: int, size: int = SIDE) -> Photo:
    """Photo number `place` of the series that starts at `first_seed`."""
    from mycovigil_simulator.camera import REFERENCE_CAMERAS
    from mycovigil_simulator.photo import render, render_empty
    from mycovigil_simulator.species import SPECIES

    camera = REFERENCE_CAMERAS[place % len(REFERENCE_CAMERAS)]
    seed = first_seed + place
    if place % EMPTY_EVERY == 0:
        return render_empty(seed=seed, size=size, camera=camera)
    species = SPECIES[(place - place // EMPTY_EVERY) % len(SPECIES)]
    return render(species, seed=seed, size=size, camera=camera)


def as_file(photo: Photo) -> bytes:
    """The photo as the JPEG file that its camera writes."""
    from mycovigil_simulator.camera import to_jpeg

    assert photo.camera is not None
    return to_jpeg(photo.pixels, photo.camera)


def save(photos: Photographs, path: Path) -> None:
    """Write photos to an `.npz`, so that a resumed run need not draw them again."""
    np.savez(path, **{name: np.asarray(getattr(photos, name)) for name in COLUMNS})  # type: ignore[arg-type]


def load(path: Path) -> Photographs:
    """Read what `save` wrote."""
    with np.load(path, allow_pickle=False) as file:
        columns = {name: file[name] for name in COLUMNS}
    return Photographs(
        columns["pixels"],
        columns["aspect"],
        tuple(columns["species"].tolist()),
        tuple(columns["safety_class"].tolist()),
        tuple(columns["group"].tolist()),
        (SIMULATOR,) * len(columns["group"]),
        columns["rendered"],
        tuple(columns["caption"].tolist()),
    )
