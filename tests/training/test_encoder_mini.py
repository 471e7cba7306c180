"""The packaged `mini`: digests, sizes, and int8 beside fp16 on photos that neither has seen."""

import numpy as np
import pytest

from mycovigil.encoder.identity import ONNX_FILE, PACKAGED, EncoderIdentity, locate
from mycovigil_training.encoder.catalogue import known_encoders
from mycovigil_training.encoder.parity import row_cosines
from mycovigil_training.encoder.rendered import as_file, draw
from mycovigil_training.encoder.runtime import open_session, run_graph
from mycovigil_training.encoder.trial_photos import squares

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
