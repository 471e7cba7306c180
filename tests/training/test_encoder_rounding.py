"""Weights rounded to 8 bits: what is rounded, what is halved, and how near the output stays."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from mycovigil_training.encoder.export import rounding
from mycovigil_training.encoder.export.runtime import open_session


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """A convolution of 2,304 values, one of 144, and a matrix of 4,096."""
    rng = np.random.default_rng(0)
    shapes = {"large": (16, 16, 3, 3), "small": (16, 1, 3, 3), "matrix": (64, 64)}
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    nodes = [
        helper.make_node("Conv", ["pixels", "large"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["a", "small"], ["b"], pads=[1, 1, 1, 1], group=16),
        helper.make_node("GlobalAveragePool", ["b"], ["c"]),
        helper.make_node("Flatten", ["c"], ["d"]),
        helper.make_node("Concat", ["d", "d", "d", "d"], ["e"], axis=1),
        helper.make_node("Gemm", ["e", "matrix"], ["features"]),
    ]
    value = helper.make_tensor_value_info
    made = helper.make_graph(
        nodes,
        "graph",
        [value("pixels", TensorProto.FLOAT, ["n", 16, 8, 8])],
        [value("features", TensorProto.FLOAT, ["n", 64])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    path = tmp_path / "graph.onnx"
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(made, opset_imports=opset, ir_version=9), path)
    return path


def run(path: Path) -> NDArray[np.float32]:
    pixels = np.random.default_rng(1).normal(size=(4, 16, 8, 8)).astype(np.float32)
    found = open_session(path).run(None, {"pixels": pixels})[0]
    return np.asarray(found, dtype=np.float32)


def test_large_weights_are_rounded_and_the_output_stays(
    graph: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounding, "FEWEST", 2_000)
    before, size = run(graph), graph.stat().st_size
    rounding.round_weights(graph)
    after = run(graph)
    kinds = {one.name: one.data_type for one in onnx.load(graph).graph.initializer}
    assert kinds["large_int8"] == kinds["matrix_int8"] == TensorProto.INT8
    assert kinds["small"] == TensorProto.FLOAT  # below what is worth halving
    cosine = (
        (before * after).sum(1) / np.linalg.norm(before, axis=1) / np.linalg.norm(after, axis=1)
    )
    assert cosine.min() > 0.999
    assert graph.stat().st_size < 0.5 * size


def test_a_channel_s_scale_is_its_own() -> None:
    weight = np.array([[1.0, 1000.0], [0.5, -500.0]], dtype=np.float32)
    rounded, scale = rounding._rounded(weight, 1)
    assert np.abs(rounded).max(axis=0).tolist() == [127, 127]
    assert (rounded * scale) == pytest.approx(weight, rel=0.01)
