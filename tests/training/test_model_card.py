"""The model card that training writes, without a database."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mycovigil.models.bundle import Bundle
from mycovigil_training.commands.train import app


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
