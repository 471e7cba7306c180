"""Interpolation with ImageNet weights, fewer features, and the file that is exported."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from mycovigil_training.encoder.export.sample_photos import squares
from mycovigil_training.encoder.finetune import condensing
from mycovigil_training.encoder.finetune.condensing import condensed
from mycovigil_training.encoder.finetune.recipe import compose
from mycovigil_training.encoder.finetune.tower import StagedTrunk, Tower
from mycovigil_training.encoder.finetune.weights import network
from mycovigil_training.encoder.finetune.weights_file import save_finetuned
from mycovigil_training.encoder.pretrain.captions import MUSHROOM, OTHER, Vocabulary
from mycovigil_training.encoder.pretrain.rendered import FIRST_SEED, as_file, draw
from mycovigil_training.encoder.pretrain.towers import CaptionModel, MiniConfig, TextTower
from mycovigil_training.encoder.source import load_source
from mycovigil_training.encoder.tower_file import Tower as ExportedTower
from mycovigil_training.encoder.tower_file import save_tower

pytestmark = pytest.mark.usefixtures("one_thread")

RECIPE = compose(["image_size=32", "side=32", "dimension=16", "text_width=16", "text_layers=1"])
WORDS = Vocabulary.of([MUSHROOM, OTHER]).words


@pytest.fixture
def imagenet(monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    """Random weights in the place of ImageNet's, and few photos."""
    torch.manual_seed(1)
    tower: nn.Module = network().eval()
    monkeypatch.setattr(condensing, "imagenet_tower", lambda _: tower)
    monkeypatch.setattr(condensing, "RENDERED", 24)
    return tower


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(2)
    config = MiniConfig(dimension=16, text_width=16, text_layers=1, words=WORDS)
    trunk = StagedTrunk(network().eval(), RECIPE.frozen_stages)
    model = CaptionModel(Tower(trunk, 1280, 16), TextTower(config))
    path = tmp_path / "finetuned.safetensors"
    save_finetuned(model, path, recipe=RECIPE, words=WORDS, trained_on="AAAA")
    return path


def made(weights: Path, share: float) -> tuple[ExportedTower, str]:
    return condensed(weights, Path(), name="lite", share=share, dimension=8, photos=[], whole=[])


def test_the_share_lies_between_both_towers(imagenet: nn.Module, weights: Path) -> None:
    half = made(weights, 0.5)[0].state_dict()["body.body.conv_head.weight"]
    whole = made(weights, 1.0)[0].state_dict()["body.body.conv_head.weight"]
    start = imagenet.state_dict()["conv_head.weight"]
    assert torch.allclose(half, (start + whole) / 2, atol=1e-6)


@pytest.mark.usefixtures("imagenet")
def test_a_condensed_tower_is_read_back_with_the_photos_it_knows(
    weights: Path, tmp_path: Path
) -> None:
    tower, trained_on = made(weights, 1.0)
    path = tmp_path / "tower.safetensors"
    save_tower(tower, path, trained_on=trained_on)
    source = load_source(str(path))
    assert (source.name, source.image_size, source.trained_on) == ("lite", 32, "AAAA")
    assert "Apache-2.0" in source.licence
    assert source.non_mushroom_direction is not None
    assert float(source.non_mushroom_direction.norm()) == pytest.approx(1.0, abs=1e-3)
    pixels = torch.randint(0, 255, (2, 32, 32, 3), dtype=torch.uint8)
    with torch.inference_mode():
        normalised = (pixels.permute(0, 3, 1, 2).float() / 255.0 - 0.5) / 0.5
        assert torch.allclose(source.tower(normalised), tower(pixels), atol=1e-4)


@pytest.mark.usefixtures("imagenet")
def test_the_features_are_centred_principal_axes(weights: Path) -> None:
    """On the photos they were found on, their mean is nought."""
    tower, _ = made(weights, 1.0)
    files = [as_file(draw(place, FIRST_SEED)) for place in range(condensing.RENDERED)]
    with torch.inference_mode():
        rows = tower(torch.from_numpy(squares(files, 32, "shortest"))).numpy()
    assert np.abs(rows.mean(axis=0)).max() < 1e-4
