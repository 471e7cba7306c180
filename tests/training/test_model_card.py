"""The model card that training writes, without a database."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factories.bundle import make_bundle
from typer.testing import CliRunner

from mycovigil.models.bundle import Bundle, digest
from mycovigil.vision.encoder.identity import EncoderIdentity
from mycovigil.vision.encoder.training_photos import to_text
from mycovigil.vision.image.covariates import NAMES
from mycovigil_training.commands.train import app
from mycovigil_training.configuration import compose
from mycovigil_training.features.table import FeatureTable, table
from mycovigil_training.register.card import with_card


@pytest.mark.usefixtures("heads_fitted_once")
def test_training_into_a_folder_writes_model_figures_and_card(
    curated_folder: Path, encoder_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MYCOVIGIL_ENCODER_URI", str(encoder_folder))
    monkeypatch.setenv("MYCOVIGIL_TRAINING_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("MYCOVIGIL_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none")
    arguments = [str(curated_folder), "head.epochs=6", "augmentation=none"]
    result = CliRunner().invoke(app, [*arguments, "--to", str(tmp_path / "model")])
    assert result.exit_code == 0, result.output
    assert "out of fold" in result.output
    bundle = Bundle.from_bytes((tmp_path / "model/model.bundle").read_bytes())
    card = bundle.meta.metrics["card"]
    assert card["content_hash"] == bundle.meta.training["content_hash"] != ""
    assert set(card["species"]["deadly"]) == {"deadly 0", "deadly 1"}
    assert "amanita phalloides" in card["deadly_unseen"]
    assert card["out_of_fold"]["macro_recall"] > 0.5
    assert card["hazards"]
    counts = bundle.meta.training["photos"]
    learned = sum(counts["train"].values()) + sum(counts["validation"].values())
    assert bundle.meta.calibration["photos"] == learned
    figures = json.loads((tmp_path / "model/figures.json").read_text())
    assert figures["training"]["libraries"]
    (run,) = (tmp_path / "runs").iterdir()
    assert {one.name for one in run.iterdir()} >= {"metrics.csv", "model.bundle", "datasheet.html"}


def photos_of_four_classes() -> FeatureTable:
    """Six of each class; of the first four the features tell the class, of the last two another."""
    labels = [number for number in range(4) for _ in range(6)]
    told = [(number + (place >= 4)) % 4 for number in range(4) for place in range(6)]
    names = [f"photo {number}" for number in range(24)]
    return table(
        list(np.eye(4, dtype=np.float32)[told]),
        [np.zeros(len(NAMES))] * 24,
        labels,
        [f"species {number}" for number in labels],
        names,
        [digest(name.encode()) for name in names],
        dimension=4,
    )


def card_of(encoder_folder: Path, learned: list[str]) -> dict[str, Any]:
    rows, config = photos_of_four_classes(), compose(["head.epochs=2"])
    identity = EncoderIdentity.read(encoder_folder)
    identity = identity.model_copy(update={"trained_on": to_text(learned)})
    made = with_card(make_bundle(encoder_folder), rows, config, rows, identity)
    found: dict[str, Any] = made.meta.metrics["card"]
    return found


def test_figures_out_of_fold_leave_out_what_the_encoder_has_learned_from(
    encoder_folder: Path,
) -> None:
    digests = photos_of_four_classes().sha256.tolist()
    told = [one for place, one in enumerate(digests) if place % 6 < 4]
    figures = card_of(encoder_folder, told)["out_of_fold"]
    assert (figures["photos"], figures["macro_recall"]) == (8, 0.0)
    assert card_of(encoder_folder, digests)["out_of_fold"] is None
