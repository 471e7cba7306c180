"""A contact sheet of an augmentation policy: photos, and the views that training makes of them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mycovigil.vision.image.decode import decode
from mycovigil_training.augmentation import Augmentation, rarities, view_count
from mycovigil_training.configuration import AugmentationConfig
from mycovigil_training.dataset import curated
from mycovigil_training.dataset.curated import CuratedPhoto
from mycovigil_training.dataset.pictures.fingerprint import MAX_PIXELS
from mycovigil_training.dataset.species import DANGER

SIDE = 128
PHOTOS_OF_A_CLASS = 3
GAP = 4


def draw_policy(folder: Path, config: AugmentationConfig, page: Path) -> None:
    """Write a picture with a row for each photo: the photo, then each of its views.

    Raises:
        NotCurated: another kind of folder.
        OSError: the picture cannot be written.
    """
    photos = [photo for photo in curated.read(folder) if photo.safety_class in DANGER]
    rarity = dict(
        zip(
            (photo.safety_class for photo in photos),
            rarities([photo.safety_class for photo in photos]),
            strict=True,
        )
    )
    chosen = [photo for name in DANGER for photo in _some(photos, name)]
    camera = Augmentation(config, SIDE)
    rows = [_row(folder, photo, camera, config, rarity[photo.safety_class]) for photo in chosen]
    wide = max(len(row) for row in rows)
    sheet = Image.new("RGB", ((SIDE + GAP) * wide, (SIDE + GAP) * len(rows)), "white")
    for down, row in enumerate(rows):
        for across, one in enumerate(row):
            sheet.paste(one, (across * (SIDE + GAP), down * (SIDE + GAP)))
    sheet.save(page)


def _some(photos: Sequence[CuratedPhoto], safety_class: str) -> list[CuratedPhoto]:
    found = [photo for photo in photos if photo.safety_class == safety_class]
    return found[:: max(len(found) // PHOTOS_OF_A_CLASS, 1)][:PHOTOS_OF_A_CLASS]


def _row(
    folder: Path,
    photo: CuratedPhoto,
    camera: Augmentation,
    config: AugmentationConfig,
    rarity: float,
) -> list[Image.Image]:
    data = (folder / photo.path).read_bytes()
    pixels = decode(data, size=camera.source_size, max_pixels=MAX_PIXELS).pixels
    views = [
        camera.view(pixels, photo.sha256, number, rare=rarity > 1)
        for number in range(view_count(config, rarity))
    ]
    plain = Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BOX)
    return [plain, *(Image.fromarray(np.asarray(view)) for view in views)]
