"""The serving encoder on decoded squares, in the runtime that its identity names."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mycovigil.vision.encoder.identity import EncoderIdentity, locate
from mycovigil.vision.image.decode import DecodedImage, decode
from mycovigil_training.encoder.export.runtime import open_graph

THREADS = 2
# How ONNX Runtime words that a device has no room left.
NO_ROOM = (
    "Failed to allocate memory",
    "out of memory",
    "smaller than requested bytes",
    "ALLOC_FAILED",
)


class OutOfMemory(ValueError):
    """The device has no room for a batch; the message says what to change."""


class Engine:
    """An encoder's session, on a GPU if ONNX Runtime has one.

    ``uri`` as :func:`mycovigil.vision.encoder.identity.locate` takes it, ``registered`` the digests
    of graph and preprocessing that it has to have.

    Raises:
        FileNotFoundError: no such encoder.
        EncoderMismatch: the graph is not the one its identity states, or not the registered one.
        RuntimeMissing: it was exported for a runtime that is not here.
    """

    def __init__(self, uri: str, registered: tuple[str, str] | None = None) -> None:
        folder: Path = locate(uri)
        self.uri = uri
        found = EncoderIdentity.read(folder)
        self.identity = found.registered_as(*registered) if registered else found
        self._encode = open_graph(
            self.identity.checked_onnx(folder),
            self.identity.runtime,
            self.identity.runtime_options,
            threads=THREADS,
            gpu=True,
        )

    def decoded(self, data: bytes, *, max_pixels: int, size: int | None = None) -> DecodedImage:
        """A photo as the predictor decodes it for this encoder; ``size``: another side than the
        encoder's, for views and crops.

        Raises:
            UndecodableImage, TooManyPixels: see :func:`mycovigil.vision.image.decode.decode`.
        """
        return decode(
            data,
            size=size or self.identity.image_size,
            max_pixels=max_pixels,
            resize=self.identity.resize,
            draft_factor=self.identity.draft_factor,
        )

    def encode(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, D) unit features of (N, S, S, 3) pixels.

        Raises:
            OutOfMemory: the batch is too large for the device.
        """
        if not len(pixels):
            return np.empty((0, self.identity.dimension), dtype=np.float32)
        try:
            return self._encode(pixels)
        except Exception as error:  # ONNX Runtime's errors share no class
            if not any(words in str(error) for words in NO_ROOM):
                raise
            raise OutOfMemory(
                f"no memory for a batch of {len(pixels)} photos: lower encode_batch"
            ) from error
