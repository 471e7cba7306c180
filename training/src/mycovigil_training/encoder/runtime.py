"""A graph on disk, run by ONNX Runtime before and beside its identity."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def open_session(graph: Path, threads: int = 1) -> Any:
    """An ONNX Runtime session on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])


def run_graph(session: Any, pixels: NDArray[np.uint8], batch: int = 32) -> NDArray[np.float32]:
    """Features of `pixels`, a batch at a time."""
    parts = [
        session.run(["features"], {"pixels": pixels[start : start + batch]})[0]
        for start in range(0, len(pixels), batch)
    ]
    return np.concatenate(parts).astype(np.float32, copy=False)
