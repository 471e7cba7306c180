"""A graph on disk, run by ONNX Runtime or OpenVINO before and beside its identity."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycovigil.vision.encoder.choice import RuntimeName

# (N, S, S, 3) pixels to (N, D) unit features, all in one batch.
Encode = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
# TensorFloat-32 would round what serving on a CPU does not.
EXACT = {"use_tf32": "0"}


class RuntimeMissing(ValueError):
    """OpenVINO is not installed here, or this CPU lacks the precision."""


def open_graph(
    graph: Path,
    runtime: RuntimeName,
    options: Mapping[str, str | int],
    *,
    threads: int = 1,
    gpu: bool = False,
) -> Encode:
    """A graph in its runtime, on the CPU; `gpu`: ONNX Runtime's graphs on a GPU, if there is one.

    Raises:
        RuntimeMissing: It cannot run here.
    """
    if runtime == "onnxruntime":
        session = open_session(graph, threads, gpu=gpu)
        return lambda pixels: run_graph(session, pixels, len(pixels))
    request = _openvino_request(graph, dict(options), threads)

    def encode(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.array(request.infer({"pixels": pixels})["features"], dtype=np.float32)

    return encode


def in_batches(encode: Encode, pixels: NDArray[np.uint8], batch: int) -> NDArray[np.float32]:
    """Features of all `pixels`, a batch at a time."""
    starts = range(0, len(pixels), batch)
    return np.concatenate([encode(pixels[start : start + batch]) for start in starts])


def providers(known: Sequence[str]) -> list[Any]:
    """What ONNX Runtime computes on, best first: a GPU if `known` names CUDA, then the CPU."""
    return [(CUDA, EXACT), CPU] if CUDA in known else [CPU]


def open_session(graph: Path, threads: int = 1, *, gpu: bool = False) -> Any:
    """An ONNX Runtime session on the CPU, or on a GPU if that is wanted and there is one."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    chosen = providers(onnxruntime.get_available_providers() if gpu else ())
    return onnxruntime.InferenceSession(str(graph), options, providers=chosen)


def run_graph(session: Any, pixels: NDArray[np.uint8], batch: int = 32) -> NDArray[np.float32]:
    """Features of `pixels`, a batch at a time."""

    def encode(part: NDArray[np.uint8]) -> NDArray[np.float32]:
        (features,) = session.run(["features"], {"pixels": part})
        return np.asarray(features, dtype=np.float32)

    return in_batches(encode, pixels, batch)


def _openvino_request(graph: Path, options: dict[str, str | int], threads: int) -> Any:
    try:
        import openvino
    except ImportError as error:
        raise RuntimeMissing("openvino is not installed: pip install openvino") from error
    runtime = openvino.Core()
    bf16 = options.get("INFERENCE_PRECISION_HINT") == "bf16"
    if bf16 and "BF16" not in runtime.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise RuntimeMissing("this CPU does not compute in bf16")
    options |= {"NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": threads}
    return runtime.compile_model(str(graph), "CPU", options).create_infer_request()
