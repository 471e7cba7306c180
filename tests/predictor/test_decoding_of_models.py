"""How JPEGs are decoded belongs to the encoder: a model goes on with the decoding it learned."""

from pathlib import Path

import pytest
from factories.bundle import make_bundle
from factories.encoder import tiny_encoder_folder
from factories.photo import make_photo
from factories.predictor import Desk, Serve
from typer.testing import CliRunner

from mycovigil.settings import Settings
from mycovigil.vision.encoder.identity import (
    EARLIER_DRAFT_FACTOR,
    EncoderIdentity,
    EncoderMismatch,
    locate,
)
from mycovigil.vision.image.decode import draft_factor_of
from mycovigil_training.encoder.command import app
from mycovigil_training.features.engine import Engine


def test_the_packaged_encoders_decode_as_this_version_does() -> None:
    for name in ("mini/int8", "mini/fp16"):
        identity = EncoderIdentity.read(locate(name))
        assert identity.draft_factor == draft_factor_of(identity.image_size)
        assert identity.decoding_as(identity.draft_factor) == identity


def test_renewing_makes_another_encoder_of_the_same_graph(tmp_path: Path) -> None:
    before = EncoderIdentity.read(tiny_encoder_folder(tmp_path / "e"))
    assert before.draft_factor == EARLIER_DRAFT_FACTOR
    assert CliRunner().invoke(app, ["renew", str(tmp_path / "e")]).exit_code == 0
    after = EncoderIdentity.read(tmp_path / "e")
    assert after.draft_factor == draft_factor_of(after.image_size)
    assert after.onnx_digest == before.onnx_digest
    assert after.preprocessing_digest != before.preprocessing_digest
    assert after.registered_as(before.onnx_digest, before.preprocessing_digest) == before
    registered = (before.onnx_digest, before.preprocessing_digest)
    assert Engine(str(tmp_path / "e"), registered).identity == before
    with pytest.raises(EncoderMismatch, match="another preprocessing"):
        after.registered_as(before.onnx_digest, "0" * 64)


def test_a_model_from_before_is_served_with_its_own_decoding(
    desk: Desk, serve: Serve, settings: Settings, tmp_path: Path
) -> None:
    folder = tiny_encoder_folder(tmp_path / "e")
    desk.promote(make_bundle(folder), folder)
    photo = make_photo(400, 300, seed=3)
    before = serve(settings).predict(photo).json()
    assert CliRunner().invoke(app, ["renew", str(folder)]).exit_code == 0
    after = serve(settings).predict(photo).json()
    for name in ("probabilities", "encoder", "model"):
        assert after[name] == before[name]


def test_a_model_whose_graph_is_gone_is_refused_and_told_why(
    desk: Desk, serve: Serve, settings: Settings, tmp_path: Path
) -> None:
    folder = tiny_encoder_folder(tmp_path / "e")
    desk.promote(make_bundle(folder), folder)
    tiny_encoder_folder(tmp_path / "e", seed=8)
    answer = serve(settings).predict(make_photo())
    assert answer.status_code == 503
    assert "another graph than the one that was registered" in answer.json()["detail"]
