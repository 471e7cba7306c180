"""Reference photos are kept small, once, and one that cannot be kept costs nothing else."""

import io
from pathlib import Path

import numpy as np
import pytest
from factories.photo import make_photo
from PIL import Image

from mycovigil.settings import StorageSettings
from mycovigil.storage import Storage, photo_key
from mycovigil.vision.image.covariates import NAMES
from mycovigil_training.features.table import FeatureTable, table
from mycovigil_training.register.reference_photos import SIDE, ReferencePhotos


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(StorageSettings(url=str(tmp_path / "storage")))


def rows_of(digests: list[str], image_keys: list[str]) -> FeatureTable:
    rows = len(digests)
    blank = [""] * rows
    covariates = [np.zeros(len(NAMES))] * rows
    features = [np.ones(4, np.float32)] * rows
    return table(
        features, covariates, [0] * rows, blank, blank, digests, dimension=4, image_keys=image_keys
    )


def test_photos_of_the_collection_are_copied_once(storage: Storage, tmp_path: Path) -> None:
    photo = tmp_path / "large.jpg"
    photo.write_bytes(make_photo(1_600, 900))
    reference_photos = ReferencePhotos({"a" * 64: photo})
    kept = reference_photos.stored(
        storage, rows_of(["a" * 64, "b" * 64], ["", "photos/bb/of-a-night.jpg"])
    )
    assert kept.image_keys.tolist() == [photo_key("a" * 64), "photos/bb/of-a-night.jpg"]
    with Image.open(io.BytesIO(storage.read(photo_key("a" * 64)))) as small:
        assert max(small.size) == SIDE
    photo.unlink()
    again = reference_photos.stored(storage, rows_of(["a" * 64], [""]))
    assert again.image_keys.tolist() == [photo_key("a" * 64)]


def test_what_cannot_be_kept_is_left_out(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    reference_photos = ReferencePhotos(
        {"c" * 64: tmp_path / "broken.jpg", "d" * 64: tmp_path / "gone.jpg"}
    )
    kept = reference_photos.stored(storage, rows_of(["c" * 64, "d" * 64, "e" * 64], ["", "", ""]))
    assert kept.image_keys.tolist() == ["", "", ""]
    assert storage.keys("photos") == []
