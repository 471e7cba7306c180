"""Export: open_clip models to ONNX with identity and parity, from disk and from a model hub."""

import hashlib
import io
import json
import shutil
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from factories.clip import CONFIG
from PIL import Image
from typer.testing import CliRunner

from mycovigil.vision.encoder.identity import EncoderIdentity, EncoderMismatch
from mycovigil_training.encoder import activation
from mycovigil_training.encoder.activation import ActivationMismatch
from mycovigil_training.encoder.catalogue import known_encoders
from mycovigil_training.encoder.command import app
from mycovigil_training.encoder.export import graph
from mycovigil_training.encoder.export.export import export, judge
from mycovigil_training.encoder.export.parity import ParityFailure
from mycovigil_training.encoder.export.runtime import open_session, run_graph
from mycovigil_training.encoder.export.sample_photos import TooFewPhotos, sample_photos, split_off
from mycovigil_training.encoder.export.variant import Precision
from mycovigil_training.encoder.source import (
    Source,
    UnknownEncoder,
    UnsupportedPreprocessing,
    load_source,
)

# torch 2.13's own exporter trips over a name that torch itself has deprecated.
pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings(
        "ignore:.*isinstance.treespec, LeafSpec.*:FutureWarning",
        "ignore:.*LeafSpec.*:FutureWarning",
    ),
]


@pytest.fixture(scope="module")
def photo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seventy smooth pictures of different shapes as JPEG files."""
    folder = tmp_path_factory.mktemp("photos")
    generator = np.random.default_rng(3)
    for i in range(70):
        coarse = generator.integers(0, 256, (5, 6, 3), dtype=np.uint8)
        size = (40 + i, 100 - i)
        Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(
            folder / f"{i:03}.jpg", quality=95
        )
    return folder


@pytest.fixture(scope="module")
def source(clip_folder: Path) -> Source:
    return load_source(f"local-dir:{clip_folder}", licence="MIT")


@pytest.fixture(scope="module")
def exported(
    source: Source, traced_clip: Path, photo_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("exported") / "fp32"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph, "write_graph", lambda _source, path: shutil.copy(traced_clip, path))
        export(source, out, precision=Precision.FP32, photos=photo_folder)
    return out


@pytest.fixture
def traced(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Later exports of the same model start from the float32 graph traced once (it is slow)."""

    def copy(_source: Source, path: Path) -> None:
        shutil.copy(exported / "encoder.onnx", path)

    monkeypatch.setattr("mycovigil_training.encoder.export.graph.write_graph", copy)


def test_identity_states_the_encoder(exported: Path, source: Source, clip_folder: Path) -> None:
    identity = EncoderIdentity.read(exported)
    assert identity.checked_onnx(exported) == exported / "encoder.onnx"
    assert identity.name == f"local-dir:{clip_folder.name}"
    assert (identity.dimension, identity.image_size, identity.resize) == (24, 32, "shortest")
    assert identity.mean == (0.5, 0.4, 0.3)
    assert identity.weights_digest == source.weights_digest
    assert identity.licence == "MIT"
    assert identity.parity["photos"] == 64
    assert identity.parity["cosine_min"] > 0.9999
    # its text tower says where photos without a mushroom lie
    assert len(identity.non_mushroom_direction) == 24
    assert np.linalg.norm(identity.non_mushroom_direction) == pytest.approx(1, abs=1e-3)
    # our decoding of the very files against open_clip's own transform
    assert identity.parity["own_transform_cosine_min"] > 0.999


def test_graph_takes_any_batch_and_gives_unit_features(exported: Path) -> None:
    session = open_session(exported / "encoder.onnx")
    pixels = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    features = run_graph(session, pixels, batch=5)
    assert features.shape == (5, 24)
    assert features.dtype == np.float32
    assert np.linalg.norm(features, axis=1) == pytest.approx(np.ones(5), abs=1e-5)
    assert run_graph(session, pixels, batch=2) == pytest.approx(features, abs=1e-5)


@pytest.mark.usefixtures("traced")
def test_int8_of_a_transformer_is_smaller_and_another_encoder(
    source: Source, exported: Path, photo_folder: Path, tmp_path: Path
) -> None:
    identity = export(source, tmp_path, precision=Precision.INT8, photos=photo_folder, bound=0.99)
    assert identity.onnx_digest != EncoderIdentity.read(exported).onnx_digest
    assert identity.weights_digest == source.weights_digest
    smaller, larger = (folder / "encoder.onnx" for folder in (tmp_path, exported))
    assert smaller.stat().st_size < 0.7 * larger.stat().st_size


@pytest.mark.usefixtures("traced")
def test_an_unfaithful_export_is_refused_and_leaves_nothing(
    source: Source, photo_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(ParityFailure, match="below the bound"):
        export(source, out, precision=Precision.INT8, photos=photo_folder, bound=0.9999999)
    assert not out.exists()


def test_a_graph_of_other_weights_is_refused(
    source: Source, exported: Path, photo_folder: Path, tmp_path: Path
) -> None:
    torch.manual_seed(9)
    other = Source(**{**vars(source), "tower": _reinitialised(source)})
    assert other.weights_digest != source.weights_digest
    with pytest.raises(ParityFailure):
        judge(other, exported / "encoder.onnx", sample_photos(photo_folder, 8), bound=0.995)


def _reinitialised(source: Source) -> torch.nn.Module:
    import copy

    tower = copy.deepcopy(source.tower)
    for parameter in tower.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return tower.eval()


def test_a_changed_graph_is_noticed(exported: Path, tmp_path: Path) -> None:
    for name in ("encoder.json", "encoder.onnx"):
        (tmp_path / name).write_bytes((exported / name).read_bytes())
    with (tmp_path / "encoder.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(EncoderMismatch):
        EncoderIdentity.read(tmp_path).checked_onnx(tmp_path)
    (found,) = [known for known in known_encoders([tmp_path]) if known.uri == str(tmp_path)]
    assert "export the encoder again" in found.trouble


@pytest.mark.parametrize(
    "name",
    ["ViT-B-32", "no-such-architecture/tag", "ViT-B-32:/no/such/file.pt", "none.safetensors"],
)
def test_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(UnknownEncoder):
        load_source(name)


def test_preprocessing_that_we_do_not_offer_is_refused(clip_folder: Path, tmp_path: Path) -> None:
    config = {**CONFIG, "preprocess_cfg": {"resize_mode": "longest"}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    weights = "open_clip_pytorch_model.bin"
    (tmp_path / weights).write_bytes((clip_folder / weights).read_bytes())
    with pytest.raises(UnsupportedPreprocessing, match="longest"):
        load_source(f"local-dir:{tmp_path}")


def test_a_checkpoint_file_of_a_named_architecture_loads(
    clip_folder: Path, source: Source, tmp_path: Path
) -> None:
    import open_clip

    (tmp_path / "tiny-test.json").write_text(json.dumps(CONFIG["model_cfg"]))
    open_clip.add_model_config(tmp_path)
    loaded = load_source(f"tiny-test:{clip_folder / 'open_clip_pytorch_model.bin'}")
    assert loaded.name == "tiny-test:open_clip_pytorch_model.bin"
    assert loaded.weights_digest == source.weights_digest


@pytest.mark.parametrize("sign", ["digest", "name", "keys", "script"])
def test_quickgelu_weights_under_a_plain_name_are_refused(
    clip_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sign: str
) -> None:
    import open_clip

    (tmp_path / "tiny-test.json").write_text(json.dumps(CONFIG["model_cfg"]))
    open_clip.add_model_config(tmp_path)
    weights = clip_folder / "open_clip_pytorch_model.bin"
    file = tmp_path / ("tiny-quickgelu-x.pt" if sign == "name" else "weights.pt")
    file.write_bytes(weights.read_bytes())
    if sign == "digest":
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        known = {True: {"ViT-B-32/openai": digest[:8]}, False: {}}
        monkeypatch.setattr(activation, "_digests", lambda *, quick: known[quick])
    elif sign == "keys":
        extra = dict.fromkeys(activation.OPENAI_KEYS, torch.tensor(1))
        torch.save(torch.load(weights, weights_only=True) | extra, file)
    elif sign == "script":
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("archive/constants.pkl", b"")
    with pytest.raises(ActivationMismatch, match="tiny-test-quickgelu:"):
        load_source(f"tiny-test:{file}")


def test_the_digests_of_known_quickgelu_weights_are_read_from_their_addresses() -> None:
    known, plain = (activation._digests(quick=quick) for quick in (True, False))
    assert known["ViT-B-32/openai"].startswith("40d365715913c9da98579312b702a82c18be219cc2a734")
    assert known["ViT-B-32/laion400m_e32"] == "46683a32"
    assert "ViT-B-32/laion2b_s34b_b79k" not in known
    assert plain["ViT-B-32/laion2b_e16"] == "af8dbd0c"
    assert not set(known.values()) & set(plain.values())


def test_gelu_weights_under_a_name_of_quickgelu_are_refused(
    clip_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import open_clip

    config = CONFIG["model_cfg"] | {"quick_gelu": True}
    (tmp_path / "tiny-test-quickgelu.json").write_text(json.dumps(config))
    open_clip.add_model_config(tmp_path)
    file = clip_folder / "open_clip_pytorch_model.bin"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    known = {True: {}, False: {"ViT-B-32/laion2b_e16": digest[:8]}}
    monkeypatch.setattr(activation, "_digests", lambda *, quick: known[quick])
    with pytest.raises(ActivationMismatch, match=r"laion2b_e16.*Name it tiny-test:"):
        load_source(f"tiny-test-quickgelu:{file}")


def test_quickgelu_weights_in_a_folder_that_says_gelu_are_refused(
    clip_folder: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(clip_folder, tmp_path / "model")
    load_source(f"local-dir:{folder}")
    weights = folder / "open_clip_pytorch_model.bin"
    extra = dict.fromkeys(activation.OPENAI_KEYS, torch.tensor(1))
    torch.save(torch.load(weights, weights_only=True) | extra, weights)
    with pytest.raises(ActivationMismatch, match='"quick_gelu": true'):
        load_source(f"local-dir:{folder}")


def test_too_few_photos_are_refused(photo_folder: Path) -> None:
    with pytest.raises(TooFewPhotos, match="70 photos"):
        sample_photos(photo_folder, 71)


def test_calibration_and_judgement_never_share_a_photo() -> None:
    calibration, judged = split_off([bytes([i]) for i in range(100)], 25)
    assert len(judged) == 25
    assert not set(calibration) & set(judged)


@pytest.mark.usefixtures("traced")
def test_command_exports_and_lists(
    clip_folder: Path, photo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    out = tmp_path / "tiny"
    options = ["--out", str(out), "--precision", "fp16", "--photos", str(photo_folder)]
    done = CliRunner().invoke(app, ["export", f"local-dir:{clip_folder}", *options])
    assert done.exit_code == 0, done.output
    assert EncoderIdentity.read(out).precision == "fp16"
    listed = CliRunner().invoke(app, ["list", "--folder", str(tmp_path)])
    assert "fp16" in listed.output
    assert "ready" in listed.output


def test_command_refuses_without_a_traceback(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["export", "nothing", "--out", str(tmp_path)])
    assert done.exit_code == 1
    assert "names no weights" in done.output


@pytest.fixture
def hub(clip_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    """A model hub on this machine that serves the tiny model as `someone/tiny-clip`."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, *, body: bool) -> None:
            asked.append(self.path)
            prefix = "/someone/tiny-clip/resolve/main/"
            file = clip_folder / self.path.removeprefix(prefix)
            if not self.path.startswith(prefix) or not file.is_file():
                self.send_response(404)
                self.send_header("X-Error-Code", "EntryNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            content = file.read_bytes()
            self.send_response(200)
            self.send_header("ETag", f'"{len(content)}-{file.name}"')
            self.send_header("X-Repo-Commit", "0" * 40)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if body:
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    from huggingface_hub import constants

    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(
        constants,
        "HUGGINGFACE_CO_URL_TEMPLATE",
        address + "/{repo_id}/resolve/{revision}/{filename}",
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    yield asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_model_of_the_hub_is_downloaded_and_is_the_same(hub: list[str], source: Source) -> None:
    loaded = load_source("hf-hub:someone/tiny-clip")
    assert loaded.name == "hf-hub:someone/tiny-clip"
    assert loaded.weights_digest == source.weights_digest
    assert loaded.mean == source.mean
    assert "unknown" in loaded.licence
    assert any(path.endswith("open_clip_config.json") for path in hub)
    picture = Image.open(io.BytesIO(sample_photos(None, 1)[0]))
    assert loaded.transform is not None
    assert loaded.transform(picture).shape == (3, 32, 32)


def test_a_model_that_the_hub_lacks_is_refused(hub: list[str]) -> None:
    with pytest.raises(UnknownEncoder, match="someone/else"):
        load_source("hf-hub:someone/else")
    assert hub
