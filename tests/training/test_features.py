"""Features: the serving encoder on the serving decode, cached, with seeded views."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from factories.encoder import tiny_encoder_folder

from mycovigil.vision.encoder.identity import EncoderMismatch
from mycovigil.vision.image.covariates import measure
from mycovigil.vision.image.decode import decode
from mycovigil_training.augmentation import Augmentation, rarities, view_count
from mycovigil_training.configuration import compose
from mycovigil_training.dataset import curated
from mycovigil_training.dataset.curated import CuratedPhoto
from mycovigil_training.encoder.export.runtime import open_session
from mycovigil_training.features.cache import FeatureCache
from mycovigil_training.features.engine import Engine, OutOfMemory
from mycovigil_training.features.extraction import (
    CACHE_FOLDER,
    VIEWS_FOLDER,
    extract,
    extract_views,
)


@pytest.fixture(scope="module")
def engine(encoder_folder: Path) -> Engine:
    return Engine(str(encoder_folder))


@pytest.fixture
def photos(curated_folder: Path) -> list[CuratedPhoto]:
    return curated.read(curated_folder)[::20]


def test_rows_are_what_serving_would_compute(
    curated_folder: Path, photos: list[CuratedPhoto], engine: Engine
) -> None:
    table = extract(curated_folder, photos, engine, batch=4)
    data = (curated_folder / photos[2].path).read_bytes()
    image = decode(data, size=engine.identity.image_size, max_pixels=10**8)
    assert table.features[2] == pytest.approx(engine.encode(image.pixels[None])[0], abs=1e-6)
    assert table.covariates[2] == pytest.approx(measure(image).vector())
    assert np.linalg.norm(table.features, axis=1) == pytest.approx(np.ones(len(photos)), abs=1e-5)
    assert table.sha256.tolist() == [photo.sha256 for photo in photos]


def test_a_second_run_reads_no_photo(
    curated_folder: Path, photos: list[CuratedPhoto], engine: Engine, tmp_path: Path
) -> None:
    config = compose(["augmentation.views=2"]).augmentation
    first = extract(curated_folder, photos, engine, batch=4)
    views = extract_views(curated_folder, photos, engine, config, batch=4)
    for name in (CACHE_FOLDER, VIEWS_FOLDER):
        (tmp_path / name).symlink_to(curated_folder / name)
    again = extract(tmp_path, photos, engine, batch=4)
    assert again.features.tolist() == first.features.tolist()
    same = extract_views(tmp_path, photos, engine, config, batch=4)
    assert same[0].tolist() == views[0].tolist()
    assert views[0].shape == (2 * len(photos), engine.identity.dimension)
    assert views[1].tolist() == [place for place in range(len(photos)) for _ in range(2)]


def test_another_encoder_has_another_cache(
    curated_folder: Path, photos: list[CuratedPhoto], engine: Engine, tmp_path: Path
) -> None:
    other = Engine(str(tiny_encoder_folder(tmp_path / "other", seed=8)))
    first = extract(curated_folder, photos, engine, batch=4)
    second = extract(curated_folder, photos, other, batch=4)
    assert np.abs(first.features - second.features).max() > 0.01


def test_views_are_seeded_by_photo_and_number(engine: Engine) -> None:
    camera = Augmentation(compose().augmentation, 32)
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 255, (camera.source_size, camera.source_size, 3), dtype=np.uint8)
    first = camera.view(pixels, "ab" * 32, 0)
    camera.view(pixels, "cd" * 32, 5)
    assert first.shape == (32, 32, 3)
    assert (camera.view(pixels, "ab" * 32, 0) == first).all()
    assert (camera.view(pixels, "ab" * 32, 1) != first).any()
    assert (camera.view(pixels, "ef" * 32, 0) != first).any()


def test_photos_of_rare_classes_have_more_views_and_stronger_ones(engine: Engine) -> None:
    config = compose(["augmentation.views=3", "augmentation.most_views=8"]).augmentation
    assert rarities(["edible"] * 8 + ["deadly"] * 2) == [1.0] * 8 + [4.0] * 2
    assert [view_count(config, rarity) for rarity in (1.0, 4.0, 100.0)] == [3, 6, 8]
    assert view_count(compose(["augmentation=none"]).augmentation, 4.0) == 0
    camera = Augmentation(compose().augmentation, 32)
    pixels = np.full((camera.source_size, camera.source_size, 3), 128, dtype=np.uint8)
    usual, rare = (
        np.std([camera.view(pixels, "ab" * 32, n, rare=rare).mean() for n in range(60)])
        for rare in (False, True)
    )
    assert rare > 1.1 * usual


@pytest.mark.parametrize("damage", ["cut", "flipped", "another format"])
def test_a_broken_cache_keeps_the_rows_before_the_damage(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "cache.rows"
    cache = FeatureCache(path, 3)
    cache.put(["a", "b"], np.array([[1, 1, 1], [2, 2, 2]], np.float32), np.ones((2, 8)))
    data = bytearray(path.read_bytes())
    if damage == "cut":
        del data[-5:]
    elif damage == "flipped":
        data[-50] ^= 1
    else:
        data[:] = b"PK\x03\x04 an older version's"
    path.write_bytes(data)
    cache = FeatureCache(path, 3)
    assert ("a" in cache) == (damage != "another format")
    assert "b" not in cache
    cache.put(["b"], np.full((1, 3), 3, np.float32))
    assert FeatureCache(path, 3).get("b")[0].tolist() == [3, 3, 3]


def test_a_killed_extraction_goes_on(
    curated_folder: Path, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = curated.read(curated_folder)[:40]
    for photo in photos:
        (tmp_path / photo.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / photo.path).symlink_to(curated_folder / photo.path)
    encoded = []

    def killed(pixels: np.ndarray) -> np.ndarray:
        encoded.append(len(pixels))
        if len(encoded) == 4:
            raise KeyboardInterrupt
        return real(pixels)

    real = engine.encode
    monkeypatch.setattr(engine, "encode", killed)
    with pytest.raises(KeyboardInterrupt):
        extract(tmp_path, photos, engine, batch=8)
    again = extract(tmp_path, photos, engine, batch=8)
    assert sum(encoded) == len(photos) + 8
    monkeypatch.setattr(engine, "encode", real)
    whole = extract(curated_folder, photos, engine, batch=8)
    assert again.features.tolist() == whole.features.tolist()


KILLED = """
import os, signal, sys
from pathlib import Path
from mycovigil_training.dataset import curated
from mycovigil_training.features import cache
from mycovigil_training.features.engine import Engine
from mycovigil_training.features.extraction import extract
left = [3]
class Stream:
    def __init__(self, real):
        self.real = real
    def __enter__(self):
        return self
    def __exit__(self, *_):
        self.real.close()
    def write(self, data):
        left[0] -= 1
        if not left[0]:
            self.real.write(data[: len(data) // 2 + 7])
            self.real.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        self.real.write(data)
real = Path.open
Path.open = lambda path, mode="r", **more: (
    Stream(real(path, mode)) if mode == "ab" else real(path, mode, **more)
)
folder = Path(sys.argv[1])
extract(folder, curated.read(folder)[:40], Engine(sys.argv[2]), batch=8)
"""


def test_an_extraction_killed_in_a_write_goes_on_to_the_same_bytes(
    curated_folder: Path, encoder_folder: Path, engine: Engine, tmp_path: Path
) -> None:
    """Two batches of 8 are whole; of the third, half a record and more is in the file."""
    for home in ("cut", "whole"):
        (tmp_path / home).mkdir()
        for one in curated_folder.iterdir():
            if not one.name.startswith("."):
                (tmp_path / home / one.name).symlink_to(one)
    command = [sys.executable, "-c", KILLED, str(tmp_path / "cut"), str(encoder_folder)]
    assert subprocess.run(command, timeout=60, check=False).returncode == -signal.SIGKILL
    (cut,) = (tmp_path / "cut" / CACHE_FOLDER).iterdir()
    photos = curated.read(curated_folder)[:40]
    rows = FeatureCache(cut, engine.identity.dimension)
    assert 16 <= sum(photo.stored_sha256 in rows for photo in photos) < 24
    again, whole = (extract(tmp_path / home, photos, engine, batch=8) for home in ("cut", "whole"))
    assert again.features.tolist() == whole.features.tolist()
    files = [next((tmp_path / home / CACHE_FOLDER).iterdir()) for home in ("cut", "whole")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_changed_graph_is_refused(encoder_folder: Path, tmp_path: Path) -> None:
    folder = tiny_encoder_folder(tmp_path / "tampered")
    with (folder / "encoder.onnx").open("ab") as stream:
        stream.write(b"\0")
    with pytest.raises(EncoderMismatch, match="export the encoder again"):
        Engine(str(folder))
    with pytest.raises(FileNotFoundError, match="no encoder at"):
        Engine("nowhere/int8")


@pytest.mark.parametrize(
    ("known", "chosen"),
    [
        (["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"], "CUDA"),
        (["AzureExecutionProvider", "CPUExecutionProvider"], "CPU"),
    ],
)
def test_features_are_made_on_a_gpu_where_there_is_one(
    encoder_folder: Path, monkeypatch: pytest.MonkeyPatch, known: list[str], chosen: str
) -> None:
    asked: list[list[object]] = []
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: known)
    monkeypatch.setattr(
        onnxruntime, "InferenceSession", lambda *_, providers: asked.append(providers)
    )
    Engine(str(encoder_folder))
    open_session(encoder_folder / "encoder.onnx")  # measured and exported on the CPU
    exact = ("CUDAExecutionProvider", {"use_tf32": "0"})
    on_a_gpu = [exact, "CPUExecutionProvider"] if chosen == "CUDA" else ["CPUExecutionProvider"]
    assert asked == [on_a_gpu, ["CPUExecutionProvider"]]


@pytest.mark.parametrize(
    "words",
    [
        "Failed to allocate memory for requested buffer of size 1605632",
        "Available memory of 1048576 is smaller than requested bytes of 1605632",
        "CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED",
    ],
    ids=["arena", "limit", "cublas"],
)
def test_a_gpu_without_room_is_one_sentence(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    """As ONNX Runtime words it, whose errors share no class."""

    def full(_pixels: np.ndarray) -> np.ndarray:
        raise Exception(words)

    monkeypatch.setattr(engine, "_encode", full)
    with pytest.raises(OutOfMemory, match="lower encode_batch"):
        engine.encode(np.zeros((8, 32, 32, 3), np.uint8))
