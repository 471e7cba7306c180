"""An exported encoder, run by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycovigil.encoder.identity import EncoderIdentity
from mycovigil.image.decode import decode

MAX_PIXELS = 100_000_000


class OnnxEncoder:
    """Features of photos by the graph in a folder, one thread unless told otherwise."""

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        """Check the graph's digest and load it.

        Raises:
            FileNotFoundError: The folder holds no encoder.
            EncoderMismatch: The graph is not the one that its identity describes.
        """
        self.identity = EncoderIdentity.read(folder)
        self._session = open_session(self.identity.checked_onnx(folder), threads)

    def encode(self, pixels: NDArray[np.uint8], batch: int = 32) -> NDArray[np.float32]:
        """`(N, size, size, 3)` uint8 to `(N, dimension)` unit features."""
        return run_graph(self._session, pixels, batch)

    def decode(self, data: bytes) -> NDArray[np.uint8]:
        """The `(size, size, 3)` square of a photo's bytes that this encoder takes."""
        identity = self.identity
        return decode(
            data, size=identity.image_size, max_pixels=MAX_PIXELS, resize=identity.resize
        ).pixels


def open_session(graph: Path, threads: int = 1) -> Any:
    """An ONNX Runtime session on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        str(graph), options, providers=["CPUExecutionProvider"]
    )


def run_graph(
    session: Any, pixels: NDArray[np.uint8], batch: int = 32
) -> NDArray[np.float32]:
    """Features of `pixels`, a batch at a time."""
    parts = [
        session.run(["features"], {"pixels": pixels[start : start + batch]})[0]
        for start in range(0, len(pixels), batch)
    ]
    return np.concatenate(parts).astype(np.float32, copy=False)
