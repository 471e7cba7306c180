"""What a peer serves: photos in, four numbers out; with torch as shipped, or with our engine.

The environment says what: ``PEER_MODEL`` (torch, engine), ``PEER_ENCODER`` (a folder),
``PEER_THREADS`` (of the engine; torch keeps its own default), ``PEER_PORT``.
"""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycovigil.vision.encoder.identity import EncoderIdentity

Model = Callable[[list[bytes]], list[list[float]]]
CLASSES = 4


def load() -> Model:
    folder = Path(os.environ["PEER_ENCODER"])
    identity = EncoderIdentity.read(folder)
    encode = _torch(identity) if os.environ["PEER_MODEL"] == "torch" else _engine(identity, folder)
    head = np.random.default_rng(0).standard_normal((identity.dimension, CLASSES))

    def model(photos: list[bytes]) -> list[list[float]]:
        answers: list[list[float]] = (encode(photos) @ head).tolist()
        return answers

    return model


def _engine(identity: EncoderIdentity, folder: Path) -> Callable[[list[bytes]], NDArray[Any]]:
    from mycovigil.vision.image.decode import decode
    from mycovigil_predictor.inference.runtime import open_graph

    threads = int(os.environ["PEER_THREADS"])
    graph = open_graph(identity.checked_onnx(folder), identity, lanes=1, threads=threads)

    def encode(photos: list[bytes]) -> NDArray[Any]:
        size, resize = identity.image_size, identity.resize
        squares = [decode(one, size=size, max_pixels=10**8, resize=resize) for one in photos]
        return graph.encode(np.stack([square.pixels for square in squares]))

    return encode


def _torch(identity: EncoderIdentity) -> Callable[[list[bytes]], NDArray[Any]]:
    import torch
    from PIL import Image

    from mycovigil_training import torchvision_shim

    torchvision_shim.make_importable()
    import open_clip

    transform = open_clip.image_transform(
        identity.image_size, is_train=False, mean=identity.mean, std=identity.std
    )
    image_tower = tower(identity.architecture).eval()

    def encode(photos: list[bytes]) -> NDArray[Any]:
        values = torch.stack([transform(Image.open(io.BytesIO(photo))) for photo in photos])
        with torch.inference_mode():
            rows = torch.nn.functional.normalize(image_tower(values), dim=-1)
        return np.asarray(rows.numpy())

    return encode


def tower(architecture: str) -> Any:
    """A torch image tower with random weights: they cost what trained ones cost."""
    if architecture == "resnet10t-thin":
        from mycovigil_training.encoder.pretrain.towers import Mini, MiniConfig

        return Mini(MiniConfig()).image
    import open_clip

    return open_clip.create_model(architecture, pretrained=None).visual
