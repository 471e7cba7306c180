"""The encoder on a GPU, where there is one: ONNX Runtime's CUDA provider, and torch."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from mycovigil.vision.encoder.identity import EncoderIdentity
from serving.peers.model import tower

BATCHES = (1, 8, 64)
SECONDS = 2.0
NONE = "no GPU here: neither ONNX Runtime's CUDAExecutionProvider nor torch sees one"


@dataclass(frozen=True)
class Rate:
    runtime: str
    device: str
    batch: int
    images_per_second: float


def rates(folder: Path) -> list[Rate]:
    """Images a second for each runtime and batch size; none without a GPU."""
    identity = EncoderIdentity.read(folder)
    found = []
    for runtime, device, encode in _encoders(folder, identity):
        for batch in BATCHES:
            shape = (batch, identity.image_size, identity.image_size, 3)
            pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
            found.append(Rate(runtime, device, batch, _rate(encode, pixels)))
    return found


def _encoders(folder: Path, identity: EncoderIdentity) -> Iterator[tuple[str, str, Any]]:
    import torch

    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "CUDA"
    if "CUDAExecutionProvider" in ort.get_available_providers():
        session = ort.InferenceSession(
            str(identity.checked_onnx(folder)), providers=["CUDAExecutionProvider"]
        )
        yield "onnxruntime", name, lambda pixels: session.run(["features"], {"pixels": pixels})
    if torch.cuda.is_available():
        yield "torch fp16", name, _torch(identity)


def _torch(identity: EncoderIdentity) -> Callable[[Any], Any]:
    import torch

    model = tower(identity.architecture).eval().half().cuda()

    def encode(pixels: Any) -> Any:
        values = torch.from_numpy(pixels).cuda().permute(0, 3, 1, 2).half() / 255
        with torch.inference_mode():
            return model(values).float().cpu().numpy()

    return encode


def _rate(encode: Callable[[Any], Any], pixels: Any) -> float:
    for _ in range(3):
        encode(pixels)
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        encode(pixels)
        done += len(pixels)
    return done / (time.perf_counter() - start)
