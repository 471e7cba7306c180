"""The packaged `mini`: digests, sizes, and int8 beside fp16 on photos that neither has seen."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner

from mycovigil.vision.encoder.identity import ONNX_FILE, PACKAGED, EncoderIdentity, locate
from mycovigil_training.encoder.catalogue import known_encoders
from mycovigil_training.encoder.command import app
from mycovigil_training.encoder.evaluate.evaluation import Report
from mycovigil_training.encoder.evaluate.holdout import held_out
from mycovigil_training.encoder.export.parity import row_cosines
from mycovigil_training.encoder.export.runtime import open_session, run_graph
from mycovigil_training.encoder.export.sample_photos import squares
from mycovigil_training.encoder.pretrain.photographs import read_listing
from mycovigil_training.encoder.pretrain.rendered import as_file, draw

MEGABYTE = 1_000_000
UNSEEN_SEED = 7_000_000


@pytest.mark.parametrize(("uri", "largest"), [("mini/int8", 3.2), ("mini/fp16", 6.0)])
def test_packaged_encoder_is_what_it_says_and_small(uri: str, largest: float) -> None:
    folder = locate(uri)
    identity = EncoderIdentity.read(folder)
    graph = identity.checked_onnx(folder)
    assert graph.stat().st_size < largest * MEGABYTE
    assert uri == f"{identity.name}/{identity.precision}"
    assert (identity.dimension, identity.image_size) == (256, 96)
    assert "demo" in identity.licence


def test_both_precisions_hold_the_same_weights() -> None:
    first, second = (EncoderIdentity.read(locate(f"mini/{kind}")) for kind in ("int8", "fp16"))
    assert first.weights_digest == second.weights_digest
    assert first.preprocessing_digest == second.preprocessing_digest
    assert first.onnx_digest != second.onnx_digest


def test_int8_agrees_with_fp16_on_unseen_photos() -> None:
    pixels = squares((as_file(draw(place, UNSEEN_SEED)) for place in range(24)), 96, "shortest")
    features = [
        run_graph(open_session(locate(f"mini/{kind}") / ONNX_FILE), pixels)
        for kind in ("fp16", "int8")
    ]
    assert row_cosines(*features).min() > 0.995
    assert np.linalg.norm(features[1], axis=1) == pytest.approx(np.ones(24), abs=1e-5)


def test_packaged_encoders_are_listed_as_ready() -> None:
    ready = {known.uri for known in known_encoders([]) if not known.trouble}
    assert {"mini/int8", "mini/fp16"} <= ready


def test_the_card_says_what_mini_is_not() -> None:
    card = (PACKAGED / "mini" / "MODEL_CARD.md").read_text(encoding="utf-8")
    for words in ("no identifier", "no licence", "random tower", "colour histogram"):
        assert words in card


def collection(folder: Path, rows: list[tuple[str, str]], hue: int) -> Path:
    """A folder of plain pictures around one colour, with its manifest."""
    folder.mkdir()
    generator = np.random.default_rng(hue)
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "species", "safety_class", "captured_at"])
        for i, (species, safety_class) in enumerate(rows):
            noise = generator.integers(0, 60, (24, 32, 3))
            noise[..., hue] += 180
            Image.fromarray(noise.astype(np.uint8)).save(folder / f"{i}.jpg")
            writer.writerow([f"{i}.jpg", species, safety_class, f"2020-01-{i + 1:02}T10:00:00"])
    return folder


def test_command_evaluates_beside_chance_and_baselines(tmp_path: Path) -> None:
    classes = ["edible", "conditionally_edible", "poisonous", "deadly"]
    mushrooms = [(f"genus{i % 4} species{i}", classes[i % 4]) for i in range(31)]
    things = [(f"thing {i}", "not_mushroom") for i in range(16)]
    report = tmp_path / "figures.json"
    options = {
        "--photos": collection(tmp_path / "walks", mushrooms, 0),
        "--other": collection(tmp_path / "guide", mushrooms[:12], 0),
        "--negatives": collection(tmp_path / "things", things, 2),
        "--encoder": "mini/int8",
        "--rendered": 0,
        "--json": report,
    }
    also = collection(tmp_path / "third", mushrooms[:12], 0)
    words = [str(word) for option in options.items() for word in option]
    words += ["--photos", str(also)]
    done = CliRunner().invoke(app, ["evaluate", *words])
    assert done.exit_code == 0, done.output
    figures = Report.model_validate_json(report.read_text())
    assert 0 < figures.photos["also trained on"] <= 12
    names = [row.encoder for row in figures.figures]
    assert names == ["chance", "colour histogram", "random tower", "mini/int8"]
    assert figures.figures[1].other_auroc == 1.0  # red pictures against blue ones
    assert figures.figures[3].rendered_linear is None
    assert "mini/int8" in done.output


def test_the_packaged_encoder_knows_other_things_by_its_own_words(photos: Path) -> None:
    """On photos that it was not trained on, without any probe."""
    folder = locate("mini/int8")
    identity = EncoderIdentity.read(folder)
    session = open_session(identity.checked_onnx(folder))
    strangeness = [
        run_graph(session, squares(files, identity.image_size, identity.resize))
        @ np.asarray(identity.non_mushroom_direction, dtype=np.float32)
        for files in (held_out_files(photos / "not_mushroom"), guide_files(photos, every=10))
    ]

    others, mushrooms = map(len, strangeness)

    assert (others, mushrooms) == (48, 137)
    truth = np.repeat([1, 0], [others, mushrooms])
    assert roc_auc_score(truth, np.concatenate(strangeness)) > 0.85


def held_out_files(folder: Path) -> list[bytes]:
    listed = read_listing(folder)
    held = held_out([row.group for row in listed])
    return [row.path.read_bytes() for row, out in zip(listed, held, strict=True) if out]


def guide_files(photos: Path, *, every: int) -> list[bytes]:
    return [row.path.read_bytes() for row in read_listing(photos / "field_guide")[::every]]
