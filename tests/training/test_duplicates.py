"""Duplicates: what counts as one picture, and what it costs to find out."""

import io
import resource
from pathlib import Path

import numpy as np
import pytest
from factories.photo import encoded, make_photo, make_picture
from PIL import Image, ImageDraw

from mycovigil_training.dataset import curated
from mycovigil_training.dataset.curation import curate
from mycovigil_training.dataset.dropped import read_dropped


def on_a_table(seed: int, *, size: int, side: int = 800, vignette: bool) -> Image.Image:
    """One drawn mushroom in the middle of a white table, with noise."""
    random = np.random.default_rng(seed)
    cap, stem = (tuple(random.integers(30, 225, 3).tolist()) for _ in range(2))
    picture = Image.new("RGB", (side, side), "white")
    draw = ImageDraw.Draw(picture)
    middle, half = side // 2, size // 2
    wide, high = half, round(half * random.uniform(0.4, 1.0))
    thick = round(half * random.uniform(0.15, 0.5))
    draw.rectangle((middle - thick, middle, middle + thick, middle + half), fill=stem)
    box = (middle - wide, middle - high, middle + wide, middle + high)
    (draw.ellipse if seed % 2 else draw.rectangle)(box, fill=cap)
    pixels = np.asarray(picture) + random.normal(0, 3, (side, side, 3))
    if vignette:
        y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
        pixels *= (1 - 0.12 * (x * x + y * y))[..., np.newaxis]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "source"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "curated"


def put(folder: Path, place: str, data: bytes) -> None:
    path = folder / "Classes" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("size", "vignette"), [(240, True), (80, False)], ids=["vignette", "small on flat ground"]
)
def test_different_mushrooms_on_one_table_all_stay(
    source: Path, target: Path, size: int, vignette: bool
) -> None:
    for seed in range(24):
        picture = on_a_table(seed, size=size, vignette=vignette)
        safety = ("edible", "deadly")[seed % 2]
        put(source, f"{safety}/Species_{seed}/1.jpg", encoded(picture, "JPEG", quality=90))
    assert curate(source, target).kept == 24


def test_a_table_that_was_saved_again_is_one_picture(source: Path, target: Path) -> None:
    picture = on_a_table(3, size=240, vignette=True)
    put(source, "edible/A_b/1.jpg", encoded(picture, "JPEG", quality=90))
    put(source, "edible/A_b/2.jpg", encoded(picture.resize((400, 400)), "JPEG", quality=50))
    put(source, "edible/A_b/3.webp", encoded(picture, "WEBP", quality=60))
    assert curate(source, target).kept == 1


def test_a_merge_across_species_or_classes_is_listed(source: Path, target: Path) -> None:
    picture = make_picture(200, 150, seed=3)
    put(source, "edible/A_b/1.png", encoded(picture, "PNG"))
    put(source, "deadly/C_d/1.jpg", encoded(picture, "JPEG", quality=70))
    put(source, "deadly/C_d/2.jpg", encoded(picture, "JPEG", quality=60))
    report = curate(source, target)
    assert report.merged_across == [("Classes/edible/A_b/1.png", "Classes/deadly/C_d/1.jpg")]
    assert [(one.path, one.reason) for one in read_dropped(target)] == [
        ("Classes/deadly/C_d/2.jpg", "the same picture"),
        ("Classes/edible/A_b/1.png", "the same picture"),
    ]


def test_hundreds_of_one_placeholder_cost_little_memory(source: Path, target: Path) -> None:
    """As equal bytes, and as equal pictures in other bytes."""
    picture = Image.new("RGB", (160, 120), "grey")
    data = encoded(picture, "JPEG")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(600):
        more = b"" if number % 2 else number.to_bytes(4, "big")
        put(source, f"edible/A_b/{number}.jpg", data + more)
    put(source, "edible/A_b/other.jpg", make_photo(seed=1))
    report = curate(source, target)
    assert report.kept == 2
    assert len(report.duplicates) == 599
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000  # kB


def test_photos_of_one_camera_and_day_are_one_specimen(source: Path, target: Path) -> None:
    def taken(seed: int, when: str, camera: str) -> bytes:
        exif = Image.Exif()
        exif[0x0110] = camera
        exif.get_ifd(0x8769)[0x9003] = when
        stream = io.BytesIO()
        make_picture(200, 150, seed=seed).save(stream, "JPEG", exif=exif)
        return stream.getvalue()

    for seed, (when, camera) in enumerate(
        [
            ("2020:09:01 10:00:00", "Pixel 4"),
            ("2020:09:01 18:00:00", "Pixel 4"),
            ("2020:09:02 10:00:00", "Pixel 4"),
            ("2020:09:01 10:00:00", "X-T3"),
            ("0000:00:00 00:00:00", "X-T3"),
        ]
    ):
        put(source, f"edible/A_b/{seed}.jpg", taken(seed, when, camera))
    report = curate(source, target)
    assert report.specimens == {"edible": 4}
    rows = {row.captured_at: row.camera for row in curated.read(target)}
    assert rows["2020-09-01T18:00:00"] == "Pixel 4"
    assert rows[""] == "X-T3"
