"""A tiny encoder and a curated folder that it can tell apart, made once a run."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from factories.clip import tiny_clip_folder
from factories.encoder import tiny_encoder_folder
from factories.photo_folder import photo_folder

from mycovigil.settings import EncoderSettings, Settings, TrainingSettings
from mycovigil_training.configuration import HeadConfig
from mycovigil_training.dataset.curation import curate
from mycovigil_training.encoder.export import graph
from mycovigil_training.encoder.source import load_source
from mycovigil_training.head import fitting


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_encoder_folder(tmp_path_factory.mktemp("encoder") / "tiny")


@pytest.fixture(scope="session")
def raw_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two species a class, 40 photos a species, uncurated."""
    return photo_folder(tmp_path_factory.mktemp("raw") / "photos", photos=40)


@pytest.fixture(scope="session")
def curated_folder(raw_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("curated") / "photos"
    curate(raw_folder, target)
    return target


@pytest.fixture
def training_settings(settings: Settings, encoder_folder: Path, curated_folder: Path) -> Settings:
    return settings.model_copy(
        update={
            "encoder": EncoderSettings(uri=str(encoder_folder)),
            "training": TrainingSettings(
                dataset=curated_folder, miss_margin=0.6, useful_margin=0.3
            ),
        }
    )


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Small tensors on busy cores: threads would only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny open_clip vision transformer with random weights."""
    return tiny_clip_folder(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="session")
def traced_clip(clip_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its float32 graph, from which every export of it may start: tracing takes seconds."""
    path = tmp_path_factory.mktemp("traced") / "encoder.onnx"
    graph.write_graph(load_source(f"local-dir:{clip_folder}"), path)
    return path


@pytest.fixture(scope="session")
def fitted_heads() -> dict[str, Any]:
    """What heads of this run learned, by the rows that they learned from."""
    return {}


@pytest.fixture
def heads_fitted_once(fitted_heads: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A head is fitted once a run on the same rows, with the same settings and seed, which give the
    same head (`test_head.py`): tests of what training does with heads need most of them again and
    again."""
    train = fitting._train

    def once(rows: Any, held: Any, classes: Any, config: HeadConfig, seed: int) -> Any:
        hashed = hashlib.sha256(repr((held is None, config, seed)).encode())
        for array in map(np.asarray, (*rows, *(held or ()), classes)):
            hashed.update(repr((array.shape, array.dtype)).encode() + array.tobytes())
        key = hashed.hexdigest()
        if key not in fitted_heads:
            fitted_heads[key] = train(rows, held, classes, config, seed)
        weight, bias, curve = fitted_heads[key]
        return weight.copy(), bias.copy(), curve

    monkeypatch.setattr(fitting, "_train", once)
