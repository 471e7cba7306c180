"""The two runtimes that an encoder may name: ONNX Runtime and OpenVINO."""

import threading
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from mycovigil.vision.encoder.identity import EncoderIdentity

Batch = NDArray[np.uint8]
Rows = NDArray[np.float32]
PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")
CAPABILITIES = "OPTIMIZATION_CAPABILITIES"


class RuntimeMissing(RuntimeError):
    """The encoder was exported for a runtime that is not here, or not able to run it."""


class Graph(Protocol):
    """An opened graph; ``encode`` may be called from as many threads as it has lanes."""

    provider: str

    def encode(self, pixels: Batch) -> Rows:
        """(N, D) unit features of (N, S, S, 3) pixels."""


def open_graph(onnx: Path, identity: EncoderIdentity, *, lanes: int, threads: int = 1) -> Graph:
    """Open a graph in the runtime that ``identity`` names.

    Args:
        lanes: concurrent calls of ``encode``, each on ``threads`` threads.

    Raises:
        RuntimeMissing: OpenVINO is not installed, or this CPU lacks the precision.
    """
    if identity.runtime == "openvino":
        return OpenVinoGraph(onnx, identity, lanes=lanes, threads=threads)
    return OnnxGraph(onnx, threads=threads)


class OnnxGraph:
    """A session is thread-safe, and computes on the calling thread if it has one thread."""

    def __init__(self, onnx: Path, *, threads: int) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        known = ort.get_available_providers()
        self._session = ort.InferenceSession(
            str(onnx), options, providers=[name for name in PROVIDERS if name in known]
        )
        self.provider = str(self._session.get_providers()[0])

    def encode(self, pixels: Batch) -> Rows:
        return np.asarray(self._session.run(["features"], {"pixels": pixels})[0])


class OpenVinoGraph:
    """One compiled model whose streams share the weights; a request of its own for each caller."""

    provider = "OpenVINO"

    def __init__(self, onnx: Path, identity: EncoderIdentity, *, lanes: int, threads: int) -> None:
        openvino = _openvino()
        runtime = openvino.Core()
        wanted = str(identity.runtime_options.get("INFERENCE_PRECISION_HINT", "f32"))
        if wanted == "bf16" and "BF16" not in runtime.get_property("CPU", CAPABILITIES):
            raise RuntimeMissing(
                "this CPU does not compute in bf16, as the encoder was exported to: export it "
                "again on this machine, with --precision auto"
            )
        options = identity.runtime_options | {
            "NUM_STREAMS": lanes,
            "INFERENCE_NUM_THREADS": lanes * threads,
            "ENABLE_CPU_PINNING": False,
        }
        self._model = runtime.compile_model(runtime.read_model(onnx), "CPU", options)
        self._callers = threading.local()

    def encode(self, pixels: Batch) -> Rows:
        answer = self._request().infer({"pixels": pixels}, share_inputs=True)
        return np.array(answer["features"], dtype=np.float32)  # the request reuses its buffer

    def _request(self) -> Any:
        if not hasattr(self._callers, "request"):
            self._callers.request = self._model.create_infer_request()
        return self._callers.request


def _openvino() -> Any:
    try:
        import openvino
    except ImportError as error:
        raise RuntimeMissing(
            "the encoder was exported for OpenVINO, which is not installed: "
            "pip install 'mycovigil-predictor[openvino]', or export it again here"
        ) from error
    return openvino
