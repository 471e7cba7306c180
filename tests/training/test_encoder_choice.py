"""The engine chosen at export: who is eligible, who wins, and what `encoder.json` says of it."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from typer.testing import CliRunner

from mycovigil.models.safety import CLASSES
from mycovigil.vision.encoder import self_test
from mycovigil.vision.encoder.choice import Candidate
from mycovigil.vision.encoder.identity import EncoderIdentity
from mycovigil_training.encoder.command import app
from mycovigil_training.encoder.export import graph
from mycovigil_training.encoder.export.agreement import fitted_head
from mycovigil_training.encoder.export.choice import judged, quickest
from mycovigil_training.encoder.export.runtime import in_batches, open_graph
from mycovigil_training.encoder.export.sample_photos import TooFewPhotos, sample_photos
from mycovigil_training.encoder.export.variant import Variant
from mycovigil_training.encoder.source import Source
from mycovigil_training.features.engine import Engine

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings(
        "ignore:.*isinstance.treespec, LeafSpec.*:FutureWarning",
        "ignore:.*LeafSpec.*:FutureWarning",
    ),
]


@pytest.fixture(scope="module")
def model_name(clip_folder: Path, traced_clip: Path) -> Iterator[str]:
    """Of the tiny encoder, whose exports start from the graph that was traced once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph, "write_graph", lambda _source, path: shutil.copy(traced_clip, path))
        yield f"local-dir:{clip_folder}"


def candidate(precision: str, milliseconds: float, cosine: float, changed: int) -> Candidate:
    return Candidate(
        precision=precision,
        runtime="onnxruntime",
        cpu_ms=milliseconds,
        cpu_ms_alone=milliseconds,
        centred_cosine_mean=cosine,
        centred_cosine_min=cosine,
        changed=changed,
    )


@pytest.mark.parametrize(
    ("cosine", "changed", "photos", "reason"),
    [
        (0.998, 1, 1_000, ""),
        (0.9979, 0, 1_000, "cosine to fp32 is 0.9979"),
        (float("nan"), 0, 1_000, "cosine to fp32 is nan"),
        (0.9999, 2, 1_999, "2 of 1999 predictions changed"),
        (0.9999, 1, 999, "1 of 999 predictions changed"),
    ],
)
def test_the_rules_of_eligibility(cosine: float, changed: int, photos: int, reason: str) -> None:
    found = judged(candidate("int8", 10, cosine, changed), photos).refused
    assert (reason in found) if reason else not found


def test_more_changes_are_allowed_only_by_name() -> None:
    close_calls = candidate("bf16", 50, 0.9995, 7)
    assert "more than 1 in 1,000" in judged(close_calls, 1_000).refused
    assert not judged(close_calls, 1_000, 0.01).refused


def test_the_quickest_of_the_eligible_wins() -> None:
    candidates = [
        judged(one, 1_000)
        for one in (
            candidate("fp32", 100, 1.0, 0),
            candidate("bf16", 50, 0.9990, 1),
            candidate("int8", 30, 0.9900, 0),
        )
    ]
    assert quickest(candidates).precision == "bf16"
    assert quickest(candidates[::2]).precision == "fp32"


def test_a_head_never_judges_a_photo_that_it_was_fitted_on() -> None:
    """Random features carry no class: a head that had seen its photos would still know them."""
    features = np.random.default_rng(0).standard_normal((400, 150)).astype(np.float32)
    labels = np.arange(400) // 2 % len(CLASSES)
    predict = fitted_head(features, [CLASSES[label] for label in labels])
    # chance is .25; a binomial share of 400 exceeds .35 with probability below 1e-5
    assert (predict(features) == labels).mean() < 0.35


def test_a_head_needs_classes() -> None:
    with pytest.raises(TooFewPhotos, match="--model"):
        fitted_head(np.zeros((8, 4), dtype=np.float32), ["unknown"] * 8)


@pytest.fixture(scope="module")
def chosen(
    model_name: str, raw_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """An encoder exported with ``--precision auto`` while int8 is sabotaged, and the output."""
    spoiled = Variant.lower

    def lower(self: Variant, path: Path, source: Source, calibration: list[bytes]) -> None:
        spoiled(self, path, source, calibration)
        if self.precision == "int8":
            _blur_weights(path)

    out = tmp_path_factory.mktemp("chosen") / "encoder"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Variant, "lower", lower)
        patch.setenv("COLUMNS", "200")
        options = ["--out", str(out), "--photos", str(raw_folder), "--changes", "10"]
        done = CliRunner().invoke(app, ["export", model_name, *options])
    assert done.exit_code == 0, done.output
    return out, done.output


def _blur_weights(path: Path) -> None:
    """Round the scales of all weights up: quick, small, and wrong."""
    model = onnx.load(path)
    for weight in model.graph.initializer:
        if weight.name.endswith("_scale"):
            rows = numpy_helper.to_array(weight)
            noise = np.random.default_rng(0).uniform(0.5, 1.5, rows.shape).astype(rows.dtype)
            weight.CopyFrom(numpy_helper.from_array(rows * noise, weight.name))
    onnx.save(model, path)


def test_a_bad_variant_is_refused_and_the_reason_is_kept(chosen: tuple[Path, str]) -> None:
    folder, output = chosen
    choice = EncoderIdentity.read(folder).choice
    assert choice is not None
    found = {one.precision: one for one in choice.candidates}
    assert {"fp32", "bf16", "int8", "int8-grouped"} == set(found)
    assert "least centred cosine to fp32 is" in found["int8"].refused
    assert found["fp32"].refused == ""
    assert choice.chosen != "int8"
    assert (choice.simulated, choice.most_changed) == (False, 0.01)
    for told in ("chosen", "least centred cosine", choice.chosen, f"{choice.photos} real photos"):
        assert told in output


def test_the_identity_names_the_winner_and_round_trips(
    chosen: tuple[Path, str], tmp_path: Path
) -> None:
    identity = EncoderIdentity.read(chosen[0])
    assert identity.choice is not None
    (winner,) = (one for one in identity.choice.candidates if one.precision == identity.precision)
    assert winner.precision == identity.choice.chosen
    assert winner.runtime == identity.runtime
    eligible = [one for one in identity.choice.candidates if not one.refused]
    assert winner.cpu_ms == min(one.cpu_ms for one in eligible if one.cpu_ms is not None)
    identity.write(tmp_path)
    assert EncoderIdentity.read(tmp_path) == identity


def test_the_probe_is_what_the_encoder_says(chosen: tuple[Path, str]) -> None:
    engine = Engine(str(chosen[0]))
    self_test.check(engine.encode(self_test.pictures(32)), engine.identity.probe)


def test_a_file_of_before_is_still_read(chosen: tuple[Path, str], tmp_path: Path) -> None:
    content = json.loads((chosen[0] / "encoder.json").read_text())
    for name in ("runtime", "runtime_options", "choice", "probe"):
        del content[name]
    (tmp_path / "encoder.json").write_text(json.dumps(content))
    old = EncoderIdentity.read(tmp_path)
    assert (old.runtime, old.runtime_options, old.choice) == ("onnxruntime", {}, None)


def test_training_encodes_in_the_runtime_that_was_chosen(chosen: tuple[Path, str]) -> None:
    engine = Engine(str(chosen[0]))
    pixels = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    path = engine.identity.checked_onnx(chosen[0])
    again = open_graph(path, engine.identity.runtime, engine.identity.runtime_options)
    assert engine.encode(pixels) == pytest.approx(in_batches(again, pixels, 1), abs=2e-2)


@pytest.mark.parametrize("precision", ["bf16", "int8-grouped"])
def test_openvino_variants_are_encoders_of_their_own(
    precision: str, model_name: str, raw_folder: Path, chosen: tuple[Path, str], tmp_path: Path
) -> None:
    pytest.importorskip("openvino")
    options = ["--out", str(tmp_path), "--precision", precision, "--photos", str(raw_folder)]
    done = CliRunner().invoke(app, ["export", model_name, *options])
    assert done.exit_code == 0, done.output
    identity, other = EncoderIdentity.read(tmp_path), EncoderIdentity.read(chosen[0])
    assert identity.runtime == "openvino"
    assert identity.weights_digest == other.weights_digest
    assert identity.parity["cosine_min"] > 0.995
    assert (identity.onnx_digest == other.onnx_digest) == (identity.precision == other.precision)


def test_photos_without_classes_want_a_model(model_name: str, tmp_path: Path) -> None:
    for number, photo in enumerate(sample_photos(None, 6)):
        (tmp_path / f"{number}.jpg").write_bytes(photo)
    options = ["--out", str(tmp_path / "out"), "--photos", str(tmp_path)]
    done = CliRunner().invoke(app, ["export", model_name, *options])
    assert done.exit_code == 1
    assert "--model" in done.output
    assert not (tmp_path / "out").exists()
