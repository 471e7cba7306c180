"""Recipe `finetune`: presets, resuming, two processes, and what is learned of rare classes."""

import io
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from mycovigil_training.commands.finetune import app
from mycovigil_training.configuration import BadConfiguration
from mycovigil_training.dataset import curated
from mycovigil_training.dataset.curated import CuratedPhoto
from mycovigil_training.encoder.pretrain.towers import Mini, MiniConfig, save_mini
from mycovigil_training.encoder.source import load_source
from mycovigil_training.encoder.tower_file import read_tower
from mycovigil_training.finetune.config import FinetuneConfig, compose, presets
from mycovigil_training.finetune.cost import decision_cost, expected_cost
from mycovigil_training.finetune.layers import layers, rated_groups
from mycovigil_training.finetune.photos import EpochSampler, draw_weights
from mycovigil_training.finetune.recipe import finetune
from mycovigil_training.finetune.record import FinetuneRecord, UnusableCheckpoint
from mycovigil_training.finetune.targets import Imbalance, NothingToLearn, Targets
from mycovigil_training.finetune.towers import load_tower

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = MiniConfig(
    channels=(8, 8, 8, 16), stem_width=8, image_size=32, dimension=16, text_width=16, text_layers=1
)
SPECIES = {
    "edible": ("boletus edulis", "imleria badia"),
    "conditionally_edible": ("morchella esculenta",),
    "poisonous": ("amanita muscaria",),
    "deadly": ("amanita virosa",),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A curated folder of 40 noisy photos, two of each specimen; each class has its colour."""
    root, rng = tmp_path_factory.mktemp("curated"), np.random.default_rng(0)
    photos = []
    for number in range(40):
        kind = list(SPECIES)[number % 4]
        pixels = rng.integers(0, 80, (40, 40, 3)) + 40 * (number % 4)
        data = io.BytesIO()
        Image.fromarray(pixels.astype(np.uint8)).save(data, "PNG")
        (root / f"{number}.png").write_bytes(data.getvalue())
        name = SPECIES[kind][number // 4 % len(SPECIES[kind])]
        photos.append(
            CuratedPhoto(f"{number}.png", name, kind, "", f"g{number // 8}{kind}", f"{number:064x}")
        )
    curated.write(root, photos, {})
    return root


@pytest.fixture(scope="module")
def tower(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tower") / "mini.safetensors"
    torch.manual_seed(0)
    save_mini(Mini(TINY), path)
    return path


def quick(tower: Path, *overrides: str) -> FinetuneConfig:
    short = ["batch=8", "epochs=2", "probe_epochs=1", "most_steps=2", "validation=0.4"]
    return compose([*short, f"tower={tower}", *overrides])


@pytest.mark.parametrize("preset", [name for name in presets() if name != "two_processes"])
def test_every_preset_runs_for_one_batch(
    preset: str, folder: Path, tower: Path, tmp_path: Path
) -> None:
    config = compose([f"+experiment={preset}", f"tower={tower}"])
    config = config.model_copy(
        update={"epochs": 1, "most_steps": 1, "workers": 0, "validation": 0.4, "probe_epochs": 0}
    )
    record = finetune(folder, tmp_path, config)
    assert np.isfinite(record.epochs[0]["training_loss"])
    assert record.outputs == (5 if config.target == "species" else 4)


def test_the_preset_of_two_processes_is_valid() -> None:
    assert compose(["+experiment=two_processes"]).processes == 2


def test_a_resumed_run_has_the_losses_of_an_uninterrupted_one(
    folder: Path, tower: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = quick(tower, "epochs=3", "patience=9")
    whole = finetune(folder, tmp_path / "whole", config)

    from mycovigil_training.finetune.module import Finetuner

    def crash(self: Finetuner) -> None:
        if self.current_epoch == 2:
            raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(Finetuner, "on_train_epoch_start", crash)
        with pytest.raises(MemoryError):
            finetune(folder, tmp_path / "cut", config)
    (tmp_path / "cut" / "last-0002.ckpt").write_bytes(b"cut while it was written")
    resumed = finetune(folder, tmp_path / "cut", config)
    assert resumed.epochs == whole.epochs
    assert len({epoch["training_loss"] for epoch in whole.epochs}) == 3
    one, other = (read_tower(tmp_path / name / "tower.safetensors")[0] for name in ("whole", "cut"))
    state = other.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in one.state_dict().items())


KILLED = """
import os, signal, sys
from pathlib import Path
import torch
from mycovigil_training.finetune.config import FinetuneConfig
from mycovigil_training.finetune.recipe import finetune
from mycovigil_training import torchvision_shim
torchvision_shim.make_importable()
from mycovigil_training.finetune.module import Finetuner
torch.set_num_threads(1)
real, left = Finetuner.training_step, [int(sys.argv[4])]
def deadly(*arguments):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments)
Finetuner.training_step = deadly
finetune(Path(sys.argv[1]), Path(sys.argv[2]), FinetuneConfig.model_validate_json(sys.argv[3]))
"""


@pytest.mark.slow
def test_a_run_that_is_killed_twice_ends_as_an_uninterrupted_one(
    folder: Path, tower: Path, tmp_path: Path
) -> None:
    """SIGKILL in the second step of an epoch, two steps each: in the second, then in the third."""
    config = quick(tower, "epochs=3", "patience=9")
    for step in ("4", "4"):
        told = [str(folder), str(tmp_path), config.model_dump_json(), step]
        command = [sys.executable, "-c", KILLED, *told]
        assert subprocess.run(command, timeout=300, check=False).returncode == -signal.SIGKILL
        assert not (tmp_path / "tower.safetensors").exists()
    resumed = finetune(folder, tmp_path, config)
    whole = finetune(folder, tmp_path / "whole", config)
    assert resumed.epochs == whole.epochs
    one, other = (
        read_tower(home / "tower.safetensors")[0] for home in (tmp_path, tmp_path / "whole")
    )
    state = other.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in one.state_dict().items())


def test_the_tower_stands_still_while_the_classifier_is_probed(
    folder: Path, tower: Path, tmp_path: Path
) -> None:
    before = load_source(str(tower)).tower.state_dict()
    for name, probed in (("probe", 1), ("tuned", 0)):
        config = quick(tower, "epochs=1", "averaging=0", f"probe_epochs={probed}")
        finetune(folder, tmp_path / name, config)
    still = read_tower(tmp_path / "probe" / "tower.safetensors")[0].body.state_dict()
    tuned = read_tower(tmp_path / "tuned" / "tower.safetensors")[0].body.state_dict()
    assert all(torch.equal(value, still[name]) for name, value in before.items())
    moved = {name for name, value in before.items() if not torch.equal(value, tuned[name])}
    assert moved
    assert not any("running" in name for name in moved)


def test_a_fine_tuned_tower_can_be_exported_and_names_its_photos(
    folder: Path, tower: Path, tmp_path: Path
) -> None:
    finetune(folder, tmp_path, quick(tower, "epochs=1"))
    source = load_source(str(tmp_path / "tower.safetensors"))
    assert source.name == "mini, fine-tuned"
    assert source.trained_on
    with torch.inference_mode():
        assert source.tower(torch.zeros(1, 3, 32, 32)).shape == (1, TINY.dimension)


@pytest.mark.slow
def test_two_processes_have_the_losses_of_one(folder: Path, tower: Path, tmp_path: Path) -> None:
    """Lightning starts the second process by the command line, so the command itself runs."""
    command = Path(sys.executable).with_name("mycovigil")
    short = ["batch=8", "epochs=2", "probe_epochs=1", "most_steps=2", "validation=0.4"]

    def losses(processes: int) -> list[float]:
        out = tmp_path / str(processes)
        asked = [*short, f"tower={tower}", "patience=9", f"processes={processes}"]
        subprocess.run([command, "finetune", folder, "--out", out, *asked], check=True, timeout=300)
        record = FinetuneRecord.model_validate_json((out / "finetune.json").read_text())
        return [epoch["training_loss"] for epoch in record.epochs]

    assert losses(1) == pytest.approx(losses(2), abs=1e-4)


def test_processes_share_every_batch() -> None:
    def epoch(rank: int, processes: int) -> list[list[tuple[int, int]]]:
        sampler = EpochSampler(22, None, batch=8, seed=3, rank=rank, processes=processes)
        sampler.set_epoch(2)
        items, share = list(sampler), 8 // processes
        assert len(items) == len(sampler)
        return [items[start : start + share] for start in range(0, len(items), share)]

    halves = zip(epoch(0, 2), epoch(1, 2), strict=True)
    assert epoch(0, 1) == [first + second for first, second in halves]


def test_classes_are_drawn_alike_by_balanced_sampling() -> None:
    labels = np.repeat([0, 1], [90, 10])
    weights = draw_weights(labels, 1.0)
    assert weights is not None
    assert weights[labels == 1].sum() == pytest.approx(0.5)
    assert draw_weights(labels, 0.0) is None


def targets(counts: tuple[int, ...] = (90, 10)) -> Targets:
    return Targets(("boletus edulis", "amanita virosa"), (0, 3), counts)


def test_logit_adjustment_makes_the_balanced_answer_the_likeliest() -> None:
    """Where the classes look alike, the adjusted logits that minimise the loss are equal."""
    imbalance = Imbalance.of(targets(), compose(["imbalance=adjusted"]).imbalance)
    logits = torch.zeros(2, requires_grad=True)
    labels = torch.tensor([0] * 90 + [1] * 10)
    imbalance.loss(logits.expand(100, 2), labels).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert torch.allclose(logits.grad, torch.zeros(2), atol=1e-6)


def test_species_are_summed_to_their_safety_class() -> None:
    three = Targets(("a", "b", "c"), (0, 0, 3), (1, 1, 1))
    found = three.class_log_probabilities(torch.zeros(1, 3)).exp()
    assert found[0].tolist() == pytest.approx([2 / 3, 0.0, 0.0, 1 / 3])


def test_poisonous_called_edible_costs_a_hundred() -> None:
    certain = np.eye(4)
    assert decision_cost(certain[[0]], np.array([3])) == 100.0
    assert decision_cost(certain[[2]], np.array([0])) == 1.0
    assert decision_cost(certain[[2]], np.array([3])) == 0.0
    assert expected_cost(np.array([[0.25, 0.25, 0.25, 0.25]]), np.array([3])) == 50.0


def test_bad_input_is_refused_with_a_sentence(folder: Path, tower: Path, tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="share a batch"):
        compose(["processes=3", "batch=8"])
    (tmp_path / "last-0003.ckpt").write_bytes(b"no checkpoint")
    with pytest.raises(UnusableCheckpoint, match="delete last"):
        finetune(folder, tmp_path, quick(tower))
    alone = tmp_path / "alone"
    alone.mkdir()
    photo = CuratedPhoto("0.png", "boletus edulis", "edible", "", "g", "0" * 64)
    curated.write(alone, [photo], {})
    with pytest.raises(NothingToLearn):
        finetune(alone, tmp_path / "x", quick(tower))
    told = CliRunner().invoke(app, [str(tmp_path), "--out", str(tmp_path / "y")])
    assert told.exit_code == 1
    assert "curate" in told.output


def test_a_checkpoint_of_other_settings_is_refused(
    folder: Path, tower: Path, tmp_path: Path
) -> None:
    finetune(folder, tmp_path, quick(tower, "epochs=1"))
    with pytest.raises(UnusableCheckpoint, match="other settings"):
        finetune(folder, tmp_path, quick(tower, "epochs=1", "seed=1"))


def test_layers_are_counted_from_the_input(tower: Path) -> None:
    """timm's own towers, one inside another, and a vision transformer of open_clip."""
    body = load_tower(str(tower))[0].body
    found = layers(body)
    assert found["projection.weight"] == max(found.values()) > found["trunk.conv1.0.weight"] == 0
    rates = {group["rate"] for group in rated_groups(body, 0.5, 0.1)}
    assert max(rates) == 1.0
    assert len(rates) == max(found.values()) + 1
    from open_clip.transformer import VisionTransformer

    vision = VisionTransformer(32, 16, 8, 3, 2, 2.0, output_dim=4)
    found = layers(vision)
    assert found["conv1.weight"] == 0
    assert found["transformer.resblocks.2.ln_1.weight"] == 3
    assert found["proj"] == 3
