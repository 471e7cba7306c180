"""A tiny encoder and a curated folder that it can tell apart, made once a run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from factories.encoder import tiny_encoder_folder
from factories.photo_folder import photo_folder

from mycovigil.settings import EncoderSettings, Settings, TrainingSettings
from mycovigil_training.dataset.curation import curate


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
