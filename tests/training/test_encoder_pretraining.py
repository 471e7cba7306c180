"""Pretraining of `mini`: splits, captions, schedule, and a run that can be repeated and resumed."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mycovigil_simulator.species import SPECIES
from mycovigil_training.encoder.evaluate.holdout import held_out
from mycovigil_training.encoder.pretrain.augmentation import random_view, transplant
from mycovigil_training.encoder.pretrain.captions import (
    SAFETY_CLASSES,
    CaptionSet,
    Vocabulary,
    captions_of,
)
from mycovigil_training.encoder.pretrain.photographs import Photographs, joined, read_folder
from mycovigil_training.encoder.pretrain.pretraining import Pretraining
from mycovigil_training.encoder.pretrain.rendered import load, render_photographs, save
from mycovigil_training.encoder.pretrain.sampling import BatchSampler
from mycovigil_training.encoder.pretrain.schedule import Budget, Recipe
from mycovigil_training.encoder.pretrain.session import (
    NothingToTrainOn,
    PretrainingPlan,
    pretrain_mini,
)
from mycovigil_training.encoder.pretrain.towers import Mini, MiniConfig, load_mini, save_mini

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = MiniConfig(
    channels=(8, 8, 8, 16), stem_width=8, image_size=32, dimension=16, text_width=16, text_layers=1
)
QUICK = Recipe(batch_size=8, sizes=((0.0, 32),))


@pytest.fixture(scope="module")
def rendered() -> Photographs:
    return render_photographs(18, lambda done: None)


def state_of(model: Mini) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def trained(photos: Photographs, steps: int, checkpoint: Path | None = None) -> Pretraining:
    training = Pretraining(photos, QUICK, TINY)
    training.run(Budget(seconds=1e6, steps=steps), checkpoint, lambda progress, loss: None)
    return training


def test_two_steps_twice_give_the_same_weights(rendered: Photographs) -> None:
    first, second = trained(rendered, 2), trained(rendered, 2)
    assert first.step == second.step == 2
    others = state_of(second.averaged())
    assert all(
        torch.equal(value, others[name]) for name, value in first.averaged().state_dict().items()
    )


def test_training_moves_towards_the_captions(rendered: Photographs) -> None:
    losses: list[float] = []
    training = Pretraining(rendered, QUICK.model_copy(update={"mixed_share": 0.0}), TINY)
    training.run(Budget(1e6, 40), None, lambda progress, loss: losses.append(loss))
    assert np.mean(losses[-8:]) < np.mean(losses[:8])


def test_a_stopped_run_goes_on_where_it_was(
    rendered: Photographs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mycovigil_training.encoder.pretrain.pretraining.CHECKPOINT_SECONDS", -1.0)
    checkpoint = tmp_path / "checkpoint.pt"
    trained(rendered, 2, checkpoint)
    resumed = trained(rendered, 3, checkpoint)
    assert resumed.step == 3


def test_the_command_s_session_writes_weights_and_record(tmp_path: Path) -> None:
    plan = PretrainingPlan(out=tmp_path, rendered=9, steps=1, recipe=QUICK, config=TINY)
    record = pretrain_mini(plan)
    model = load_mini(tmp_path / "mini.safetensors")
    assert record.rendered_photos == 9
    assert record.views == QUICK.batch_size
    assert model.config.words
    assert (tmp_path / "pretraining.json").is_file()


def test_no_photos_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NothingToTrainOn, match="--photos"):
        pretrain_mini(PretrainingPlan(out=tmp_path, rendered=0))


def test_weights_survive_the_file(tmp_path: Path) -> None:
    model = Mini(TINY.model_copy(update={"words": ("a", "mushroom")})).eval()
    save_mini(model, tmp_path / "mini.safetensors")
    read = load_mini(tmp_path / "mini.safetensors")
    pixels = torch.zeros(2, 3, 32, 32)
    assert torch.equal(model.image(pixels), read.image(pixels))
    assert read.config == model.config


def test_rendered_photos_are_known_species_only_and_survive_the_file(
    rendered: Photographs, tmp_path: Path
) -> None:
    save(rendered, tmp_path / "rendered.npz")
    read = load(tmp_path / "rendered.npz")
    assert (read.pixels == rendered.pixels).all()
    assert read.caption == rendered.caption
    assert set(rendered.safety_class) <= {*SAFETY_CLASSES, "not_mushroom"}
    known = {species.name.replace("_", " ") for species in SPECIES}
    assert set(rendered.species) <= known | {"not mushroom"}


def test_a_group_is_never_on_both_sides() -> None:
    groups = [f"species {i // 5}|day" for i in range(5000)]
    held = held_out(groups)
    sides = {group: held[i] for i, group in enumerate(groups)}
    assert all(held[i] == sides[group] for i, group in enumerate(groups))
    # 1,000 groups at 1/4: four binomial standard deviations
    assert abs(held.mean() - 0.25) < 4 * (0.25 * 0.75 / 1000) ** 0.5


def test_captions_say_what_is_known_and_no_more() -> None:
    known = captions_of("Amanita phalloides", "deadly", rendered=False)
    assert known["species"] == "photo of amanita phalloides"
    assert known["safety"] == "a deadly mushroom"
    assert "safety" not in captions_of("Cortinarius sp", "unknown", rendered=False)
    assert set(captions_of("bath towel", "not_mushroom", rendered=False)) == {"mushroom"}
    rendered = captions_of("amanita phalloides", "deadly", rendered=True)
    assert rendered["species"] != known["species"]
    assert rendered["genus"] == known["genus"]


def test_caption_index_points_to_the_caption() -> None:
    photos = [
        captions_of("boletus edulis", "edible", rendered=False),
        captions_of("chair", "not_mushroom", rendered=False),
    ]
    captions = CaptionSet.of(photos)
    assert captions.texts["genus"][captions.index["genus"][0]] == "mushroom of genus boletus"
    assert captions.index["genus"][1] == -1
    assert captions.class_weights("mushroom").mean() == pytest.approx(1.0)


def test_vocabulary_marks_unknown_words_and_pads() -> None:
    vocabulary = Vocabulary.of(["a red cap", "a ring"])
    tokens = vocabulary.tokens(["A red, ring", "blue"])
    assert tokens.shape == (2, 3)
    assert (tokens[0] > 1).all()
    assert tokens[1].tolist() == [1, 0, 0]


def test_schedule_warms_up_cools_down_and_grows() -> None:
    recipe = Recipe()
    assert recipe.rate(0.0) < recipe.rate(0.03) == pytest.approx(recipe.learning_rate)
    assert recipe.rate(1.0) == pytest.approx(0.0, abs=1e-9)
    sizes = [recipe.view_size(progress) for progress in np.linspace(0, 1, 20)]
    assert sizes == sorted(sizes)
    assert sizes[-1] == MiniConfig().image_size


def test_a_spent_budget_counts_earlier_runs() -> None:
    assert Budget(seconds=10.0, spent=20.0).progress(0) == 1.0
    assert Budget(seconds=10.0, steps=4, spent=20.0).progress(1) == 0.25


def test_views_are_pictures_and_repeatable() -> None:
    pixels = torch.randint(0, 256, (6, 128, 128, 3), dtype=torch.uint8)
    aspect = torch.tensor([1.0, 1.5, 0.6, 1.0, 2.0, 1.0])
    first = random_view(pixels, aspect, 64, torch.Generator().manual_seed(1))
    again = random_view(pixels, aspect, 64, torch.Generator().manual_seed(1))
    assert first.shape == (6, 3, 64, 64)
    assert 0.0 <= float(first.min()) <= float(first.max()) <= 1.0
    assert torch.equal(first, again)


def test_transplants_keep_the_middle_and_take_the_rest_from_a_donor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mycovigil_training.encoder.pretrain.augmentation.PLAIN_SHARE", 0.0)
    views = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 3, 32, 32)
    empty = torch.tensor([False, False, False, True])
    moved = transplant(views, empty, 1.0, torch.Generator().manual_seed(0))
    kept_share = (moved[0] == 0.0).float().mean()
    assert 0.55**2 * 0.8 < kept_share < 0.85**2 * 1.2
    assert set(moved[0].flatten().tolist()) == {0.0, 3.0}
    assert (moved[3] == 3.0).float().mean() > 0.8**2 * 0.9
    alone = transplant(views, torch.zeros(4, dtype=torch.bool), 1.0, torch.Generator())
    assert torch.equal(alone, views)


def test_batches_hold_every_pool(rendered: Photographs) -> None:
    rows = BatchSampler(rendered, 16, seed=0).draw()
    kinds = {rendered.safety_class[row] for row in rows}
    assert len(rows) == 16
    assert "not_mushroom" in kinds
    assert len(kinds) > 1


def test_real_folders_are_read_with_their_groups(photos: Path) -> None:
    read = read_folder(photos / "not_mushroom")
    assert len(read) == 200
    assert set(read.safety_class) == {"not_mushroom"}
    assert 0.3 < read.aspect.min() < read.aspect.max() < 4.0
    assert len(joined([read, read.take(np.arange(3))])) == 203
