"""A tiny encoder for tests: pooled pixels through a fixed random projection, as a real graph."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from mycovigil.vision.encoder.identity import (
    ONNX_FILE,
    EncoderIdentity,
    file_digest,
    preprocessing_digest,
)

GRID = 8
MEAN = (0.5, 0.5, 0.5)
STD = (0.5, 0.5, 0.5)


def tiny_encoder_folder(
    path: Path, size: int = 32, dimension: int = 48, seed: int = 7, name: str = "tiny"
) -> Path:
    """Write ``encoder.onnx`` and ``encoder.json`` below ``path``; knows colours and places only.

    ``size`` is a multiple of 8. Another ``seed`` is another encoder (another digest).
    """
    if size % GRID:
        raise ValueError(f"the size is a multiple of {GRID}, not {size}")
    path.mkdir(parents=True, exist_ok=True)
    onnx.save(_graph(size, dimension, seed), path / ONNX_FILE)
    digest = file_digest(path / ONNX_FILE)
    identity = EncoderIdentity(
        name=name,
        architecture="pooled-projection",
        weights_digest=digest,
        onnx_digest=digest,
        precision="fp32",
        dimension=dimension,
        image_size=size,
        mean=MEAN,
        std=STD,
        preprocessing_digest=preprocessing_digest(
            image_size=size, resize="shortest", interpolation="bicubic", mean=MEAN, std=STD
        ),
        licence="MIT",
    )
    identity.write(path)
    return path


def _graph(size: int, dimension: int, seed: int) -> onnx.ModelProto:
    rng = np.random.default_rng(seed)
    inputs = GRID * GRID * 3
    projection = rng.standard_normal((inputs, dimension)) / np.sqrt(inputs)
    constants = {
        "scale": np.array(1 / 127.5),
        "one": np.array(1.0),
        "projection": projection,
        "offset": rng.standard_normal(dimension) * 0.05,  # a grey photo is no zero vector
    }
    window = size // GRID
    nodes = [
        helper.make_node("Cast", ["pixels"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["float"], ["channels_first"], perm=[0, 3, 1, 2]),
        helper.make_node(
            "AveragePool",
            ["channels_first"],
            ["pooled"],
            kernel_shape=[window, window],
            strides=[window, window],
        ),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Mul", ["flat", "scale"], ["scaled"]),
        helper.make_node("Sub", ["scaled", "one"], ["signed"]),
        helper.make_node("MatMul", ["signed", "projection"], ["projected"]),
        helper.make_node("Add", ["projected", "offset"], ["moved"]),
        helper.make_node("LpNormalization", ["moved"], ["features"], axis=1, p=2),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", size, size, 3])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", dimension])],
        [
            numpy_helper.from_array(np.asarray(value, dtype=np.float32), name)
            for name, value in constants.items()
        ],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="mycovigil"
    )
