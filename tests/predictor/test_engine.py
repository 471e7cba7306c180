"""The engine opens what the identity names, shares its lanes, and refuses what cannot run here."""

import asyncio
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from factories.bundle import make_bundle
from factories.encoder import tiny_encoder_folder
from factories.photo import make_photo
from factories.predictor import Desk, Serve
from numpy.typing import NDArray

from mycovigil.settings import Settings
from mycovigil.vision.encoder import self_test
from mycovigil.vision.encoder.identity import ONNX_FILE, EncoderIdentity, EncoderMismatch
from mycovigil_predictor.inference.engine import Engine
from mycovigil_predictor.inference.graph_choice import PHOTOS_A_ROUND, GraphChoice
from mycovigil_predictor.inference.runtime import RuntimeMissing, open_graph

BF16 = {"INFERENCE_PRECISION_HINT": "bf16"}


def openvino_folder(folder: Path, **options: str | int) -> Path:
    """The tiny encoder, to be run by OpenVINO."""
    tiny_encoder_folder(folder, seed=11)
    identity = EncoderIdentity.read(folder)
    identity.model_copy(update={"runtime": "openvino", "runtime_options": options}).write(folder)
    return folder


def engine_of(folder: Path, lanes: int = 2) -> Engine:
    return Engine(folder / ONNX_FILE, EncoderIdentity.read(folder), lanes=lanes)


def some_pixels(count: int, side: int = 32) -> list[NDArray[np.uint8]]:
    noise = np.random.default_rng(3).integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    return list(noise)


def needs_bf16() -> None:
    openvino = pytest.importorskip("openvino", reason="openvino is not installed")
    if "BF16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("this CPU does not compute in bf16")


async def test_openvino_says_nearly_what_onnxruntime_says(tmp_path: Path) -> None:
    needs_bf16()
    exact = engine_of(tiny_encoder_folder(tmp_path / "exact", seed=11))
    halved = engine_of(openvino_folder(tmp_path / "halved", **BF16))
    pixels = some_pixels(16)
    left, right = np.array(await exact.encode(pixels)), np.array(await halved.encode(pixels))
    assert (exact.provider, halved.provider) == ("CPUExecutionProvider", "OpenVINO")
    assert (left * right).sum(axis=1).min() > 0.999
    assert (left != right).any()
    exact.close()
    halved.close()


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
async def test_calls_at_once_do_not_mix(runtime: str, tmp_path: Path) -> None:
    if runtime == "openvino":
        pytest.importorskip("openvino", reason="openvino is not installed")
    make = tiny_encoder_folder if runtime == "onnxruntime" else openvino_folder
    engine = engine_of(make(tmp_path / "tiny"), lanes=3)
    pixels = some_pixels(60)
    alone = [(await engine.encode([one]))[0] for one in pixels]
    batches = [pixels[start : start + 1 + start % 5] for start in range(55)]
    together = await asyncio.gather(*(engine.encode(batch) for batch in batches))
    for start, features in enumerate(together):
        expected = np.array(alone[start : start + len(features)])
        assert np.array(features) == pytest.approx(expected, abs=1e-5)
    engine.close()


def test_an_openvino_encoder_is_served(serve: Serve, settings: Settings, desk: Desk) -> None:
    needs_bf16()
    folder = openvino_folder(Path(settings.storage.url) / "tiny", **BF16)
    desk.promote(make_bundle(folder), folder)
    running = serve(settings)
    assert running.predict(make_photo()).status_code == 200
    assert "mycovigil_predictor_batch_size_count 1.0" in running.http.get("/metrics").text


def test_without_openvino_the_refusal_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(RuntimeMissing, match=r"mycovigil-predictor\[openvino\]"):
        engine_of(openvino_folder(tmp_path / "tiny"))


def test_a_machine_that_computes_something_else_is_refused(tmp_path: Path) -> None:
    """The probe is what the encoder said at export; another seed stands for a faulty machine."""
    sound = tiny_encoder_folder(tmp_path / "sound")
    identity = EncoderIdentity.read(sound)
    graph = open_graph(sound / ONNX_FILE, identity, lanes=1)
    seen = graph.encode(self_test.pictures(identity.image_size))
    kept = {"probe": self_test.to_text(seen)}
    identity.model_copy(update=kept).write(sound)
    engine_of(sound).close()

    faulty = tiny_encoder_folder(tmp_path / "faulty", seed=8)
    EncoderIdentity.read(faulty).model_copy(update=kept).write(faulty)
    with pytest.raises(EncoderMismatch, match="export it again here"):
        engine_of(faulty)


def served(choice: GraphChoice, photos: int, *, narrow: float, wide: float) -> list[bool]:
    """Which graph took each photo."""
    taken = []
    for _ in range(photos):
        taken.append(choice.use_wide())
        choice.record(taken[-1], wide if taken[-1] else narrow)
    return taken


def test_a_lone_photo_gets_all_cores_where_that_pays() -> None:
    assert sum(served(GraphChoice(), 16, narrow=1.0, wide=0.5)) == 8
    assert all(served(GraphChoice(), 50, narrow=1.0, wide=0.5)[16:])
    assert not any(served(GraphChoice(), 50, narrow=1.0, wide=0.9)[16:])


def test_what_a_busy_moment_decided_is_decided_again() -> None:
    choice = GraphChoice()
    assert not any(served(choice, PHOTOS_A_ROUND, narrow=1.0, wide=2.0)[16:])
    assert all(served(choice, PHOTOS_A_ROUND, narrow=1.0, wide=0.5)[16:])


async def test_only_photos_that_stay_alone_decide(tmp_path: Path) -> None:
    engine = engine_of(tiny_encoder_folder(tmp_path / "tiny"))
    pixels = some_pixels(40)
    await asyncio.gather(*(engine.encode([one]) for one in pixels))
    assert engine.lone_photos == 0
    for one in pixels:
        await engine.encode([one])
    assert engine.lone_photos == (0 if os.cpu_count() == 1 else 40)
    engine.close()


def test_a_graph_of_another_dimension_is_refused(tmp_path: Path) -> None:
    folder = tiny_encoder_folder(tmp_path / "tiny")
    EncoderIdentity.read(folder).model_copy(update={"dimension": 7}).write(folder)
    with pytest.raises(EncoderMismatch, match=r"\(48,\), its identity says \(7,\)"):
        engine_of(folder)
