"""Weights and checkpoints that were cut or are none: one sentence."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mycovigil_training.encoder.finetune.weights_file import load_finetuned
from mycovigil_training.encoder.pretrain.towers import Mini, MiniConfig, save_mini
from mycovigil_training.encoder.source import load_source
from mycovigil_training.encoder.weights_header import DamagedWeights, checkpoint_of
from mycovigil_training.finetune.towers import load_tower

TINY = MiniConfig(
    channels=(8, 8, 8, 16), stem_width=8, image_size=32, dimension=16, text_width=16, text_layers=1
)


@pytest.mark.parametrize("length", [0, 5, 200, -1_000])
@pytest.mark.parametrize(
    "read", [load_source, load_tower, load_finetuned], ids=lambda f: f.__name__
)
def test_weights_that_were_cut_are_named(
    tmp_path: Path, length: int, read: Callable[[str | Path], object]
) -> None:
    path = tmp_path / "mini.safetensors"
    save_mini(Mini(TINY), path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DamagedWeights, match=r"mini\.safetensors is damaged"):
        read(path if read is load_finetuned else str(path))


def test_a_checkpoint_that_was_cut_is_named(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    torch.save({"step": torch.arange(1_000)}, path)
    path.write_bytes(path.read_bytes()[:-600])
    with pytest.raises(DamagedWeights, match="delete it"):
        checkpoint_of(path)
