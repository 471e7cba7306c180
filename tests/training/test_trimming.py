"""Trimming by diversity, and one mushroom found twice by the encoder's features."""

from pathlib import Path

import numpy as np
from factories.photo_folder import photo_folder

from mycovigil_training.dataset import curated
from mycovigil_training.dataset.curation import CurationOptions, curate
from mycovigil_training.dataset.dropped import read_dropped
from mycovigil_training.dataset.pictures.diversity import most_diverse


def test_copies_go_before_what_differs() -> None:
    random = np.random.default_rng(4)
    centres = random.normal(size=(6, 16)).astype(np.float32)
    crowd = np.concatenate([centres, centres[0] + random.normal(0, 0.01, (60, 16))])
    rows = (crowd / np.linalg.norm(crowd, axis=1, keepdims=True)).astype(np.float32)
    kept = most_diverse(rows, 6)
    assert len(kept) == 6
    nearest = (rows[kept] @ rows[:6].T).argmax(axis=1)
    assert sorted(nearest.tolist()) == list(range(6))
    assert most_diverse(rows, 100).tolist() == list(range(66))


def test_classes_with_too_many_photos_are_trimmed_and_say_so(
    encoder_folder: Path, tmp_path: Path
) -> None:
    source = photo_folder(tmp_path / "photos", photos=6)
    options = CurationOptions(encoder=str(encoder_folder), most_per_class=8)
    report = curate(source, tmp_path / "curated", options)
    assert report.photos == dict.fromkeys(
        ("deadly", "poisonous", "conditionally_edible", "edible"), 8
    )
    assert report.trimmed == dict.fromkeys(report.photos, 4)
    reasons = [one.reason for one in read_dropped(tmp_path / "curated")]
    assert reasons == ["its class has more photos than are wanted"] * 16
    kept = {photo.sha256 for photo in curated.read(tmp_path / "curated")}
    curate(source, tmp_path / "again", options)
    assert {photo.sha256 for photo in curated.read(tmp_path / "again")} == kept
