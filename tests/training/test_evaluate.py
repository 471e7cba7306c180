"""`mycovigil evaluate`: folds without leaks, figures with right values, a file of both."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from factories.photo import encoded
from factories.photo_folder import photo_folder
from PIL import Image
from typer.testing import CliRunner

from mycovigil_training.commands.evaluate import app
from mycovigil_training.commands.train import app as train_app
from mycovigil_training.configuration import compose
from mycovigil_training.dataset import curated
from mycovigil_training.dataset.curation import curate
from mycovigil_training.evaluate.contradicted import find_issues
from mycovigil_training.evaluate.folds import TooFewGroups, grouped
from mycovigil_training.evaluate.measures import measures
from mycovigil_training.evaluate.poison_cost import poison_cost
from mycovigil_training.evaluate.recipes import Rows, species_probe

EDIBLE, CONDITIONAL, POISONOUS, DEADLY = range(4)


def things_folder(folder: Path) -> Path:
    """25 photos of black and white stripes, none of a mushroom."""
    rng, rows = np.random.default_rng(4), ["path,species,safety_class"]
    folder.mkdir()
    for number in range(25):
        pixels = np.zeros((48, 48, 3), np.uint8)
        pixels[rng.integers(0, 2, 48).astype(bool)] = 255
        (folder / f"{number}.png").write_bytes(encoded(Image.fromarray(pixels), "PNG"))
        rows.append(f"{number}.png,thing {number},not_mushroom")
    (folder / "manifest.csv").write_text("\n".join(rows))
    return folder


def sure(classes: list[int]) -> np.ndarray:
    return np.eye(4)[classes] * 0.97 + 0.0075


def test_no_specimen_stands_on_two_sides_and_each_photo_is_judged_once() -> None:
    random = np.random.default_rng(1)
    groups = np.array([f"g{number}" for number in random.integers(0, 60, 400)])
    labels = np.array([int(group[1:]) % 4 for group in groups.tolist()])
    judged_rows = []
    for learned, judged in grouped(labels, groups, seed=1, what="specimens"):
        assert not set(groups[learned]) & set(groups[judged])
        assert len(np.unique(labels[judged])) == 4
        judged_rows += judged.tolist()
    assert sorted(judged_rows) == list(range(400))


def test_a_class_of_one_specimen_is_refused() -> None:
    labels, groups = np.array([0, 0, 1, 1]), np.array(["a", "b", "c", "c"])
    with pytest.raises(TooFewGroups, match="two specimens"):
        list(grouped(labels, groups, seed=1, what="specimens"))


@pytest.mark.parametrize(
    ("truth", "said", "track_2", "combined"),
    [
        (DEADLY, EDIBLE, 100.0, 101.0),
        (POISONOUS, CONDITIONAL, 100.0, 101.0),
        (EDIBLE, POISONOUS, 1.0, 2.0),
        (CONDITIONAL, DEADLY, 1.0, 2.0),
        (DEADLY, POISONOUS, 0.0, 1.0),
        (EDIBLE, CONDITIONAL, 0.0, 1.0),
        (DEADLY, DEADLY, 0.0, 0.0),
    ],
)
def test_the_costs_of_fungiclef(truth: int, said: int, track_2: float, combined: float) -> None:
    found = poison_cost(sure([said]), np.array([truth]))
    assert (found.track_2, found.combined) == (track_2, combined)


def test_careful_answers_call_all_poisonous_that_may_be() -> None:
    labels = np.array([EDIBLE, DEADLY])
    probabilities = np.array([[0.98, 0.0, 0.01, 0.01], [0.995, 0.0, 0.0, 0.005]])
    assert poison_cost(probabilities, labels).careful == pytest.approx((1 + 100) / 2)


def test_figures_of_a_known_confusion() -> None:
    labels = np.array([0] * 8 + [1] * 4 + [2] * 4 + [3] * 4)
    said = labels.copy()
    said[[8, 9]], said[16] = 0, 2
    species = np.array([f"s{label}" for label in labels.tolist()])
    groups = np.array([f"g{row}" for row in range(20)])
    found = measures(sure(said.tolist()), labels, species, groups, seed=1)
    assert found["macro_recall"] == pytest.approx((1 + 0.5 + 1 + 0.75) / 4)
    assert found["macro_recall_low"] < found["macro_recall"] < found["macro_recall_high"]
    assert found["recall"]["deadly"]["estimate"] == 0.75
    assert found["recall_by_species"]["s1"]["trials"] == 4
    assert found["deadly"]["share"] == 0.2
    assert found["risk_coverage"]["curve"][0] == [1.0, pytest.approx(3 / 20)]
    assert found["harmful_auroc"] == 1.0


def test_species_are_summed_to_classes() -> None:
    random = np.random.default_rng(2)
    centres = random.normal(size=(6, 8)) * 3
    species = random.integers(0, 6, 300)
    features = (centres[species] + random.normal(size=(300, 8))).astype(np.float32)
    names = np.array([f"s{one}" for one in species.tolist()])
    rows = Rows(features, features, species // 2, names, names)
    found = species_probe(rows.take(np.arange(200)), rows.take(np.arange(200, 300)))
    assert found.shape == (100, 4)
    assert found.sum(axis=1) == pytest.approx(1)
    assert (found.argmax(axis=1) == species[200:] // 2).mean() > 0.9


@pytest.mark.whole
def test_the_command_writes_every_recipes_figures(encoder_folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "figures.json"
    folder = photo_folder(tmp_path / "photos", photos=8)
    arguments = [str(folder), "--json", str(output), "--encoder", str(encoder_folder)]
    things = things_folder(tmp_path / "things")
    more = ["--other", str(folder), "--without", str(things), "--set", "head.epochs=5"]
    result = CliRunner().invoke(app, [*arguments, *more])
    assert result.exit_code == 0, result.output
    figures = json.loads(output.read_text())
    assert set(figures["models"]) == set(figures["from_other"]) >= {"majority", "probe", "head"}
    assert figures["models"]["majority"]["macro_recall"] <= 0.25
    assert figures["models"]["probe"]["macro_recall"] > 0.4
    assert len(figures["data"]["content_hash"]) == 64
    assert figures["not_mushroom"]["photos"] == 25
    assert figures["not_mushroom"]["probe_auroc"] > 0.9
    assert figures["not_mushroom"]["distance_auroc"] > 0.9


@pytest.mark.whole
def test_a_folder_without_a_class_is_judged_and_teaches_no_model(
    encoder_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = photo_folder(tmp_path / "photos", photos=4)
    shutil.rmtree(folder / "Classes" / "conditionally_edible")
    output = tmp_path / "figures.json"
    arguments = [str(folder), "--json", str(output), "--encoder", str(encoder_folder)]
    judged = CliRunner().invoke(app, [*arguments, "--set", "head.epochs=5"])
    assert judged.exit_code == 0, judged.output
    figures = json.loads(output.read_text())
    assert figures["chance"] == pytest.approx(1 / 3)
    assert set(figures["models"]["head"]["recall"]) == {"edible", "poisonous", "deadly"}
    monkeypatch.setenv("MYCOVIGIL_ENCODER_URI", str(encoder_folder))
    monkeypatch.setenv("MYCOVIGIL_TRAINING_DATASET", str(tmp_path / "curated"))
    trained = CliRunner().invoke(train_app, [str(folder), "--to", str(tmp_path / "model")])
    assert trained.exit_code == 1
    assert "no photo to learn conditionally_edible from" in str(trained.exception)
    assert not (tmp_path / "model").exists()


def test_a_folder_that_cannot_be_judged_is_one_sentence(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [str(tmp_path)])
    assert result.exit_code == 1
    assert "mycovigil evaluate:" in result.output
    assert "Traceback" not in result.output


def test_photos_under_the_wrong_class_are_listed_first(
    curated_folder: Path, encoder_folder: Path, tmp_path: Path
) -> None:
    """Every twelfth photo of one species is moved to another class."""
    source, moved = tmp_path / "source", set()
    for number, photo in enumerate(curated.read(curated_folder)):
        wrong = number % 12 == 0 and photo.safety_class == "edible"
        safety = "deadly" if wrong else photo.safety_class
        path = source / "Classes" / safety / f"{safety} {photo.species}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((curated_folder / photo.path).read_bytes())
        moved |= {photo.sha256} if wrong else set()
    curate(source, tmp_path / "curated")
    names = {photo.path: photo.sha256 for photo in curated.read(tmp_path / "curated")}
    found = find_issues(tmp_path / "curated", str(encoder_folder), compose())
    first = [names[issue.path] for issue in found[: len(moved)]]
    assert len(moved) >= 4
    assert len(moved & set(first)) >= 0.7 * len(moved)
    assert {issue.given for issue in found if names[issue.path] in moved} == {"deadly"}
