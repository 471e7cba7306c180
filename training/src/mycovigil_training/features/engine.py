"""The serving encoder, run by ONNX Runtime on decoded squares."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycovigil.encoder.identity import EncoderIdentity, locate

THREADS = 2


class Engine:
    """An encoder's session; ``uri`` as :func:`mycovigil.encoder.identity.locate` takes it.

    Raises:
        FileNotFoundError: no such encoder.
        EncoderMismatch: the graph is not the one its identity states.
    """

    def __init__(self, uri: str) -> None:
        folder: Path = locate(uri)
        self.uri = uri
        self.identity = EncoderIdentity.read(folder)
        self._session = _session(self.identity.checked_onnx(folder))

    def encode(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, D) unit features of (N, S, S, 3) pixels."""
        if not len(pixels):
            return np.empty((0, self.identity.dimension), dtype=np.float32)
        (features,) = self._session.run(["features"], {"pixels": pixels})
        return np.asarray(features, dtype=np.float32)


def _session(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
