"""Weights rounded to 8 bits, products computed in float32: small files that stay faithful.

Static quantisation of a network with linear bottlenecks loses too much: EfficientNet-Lite0, int8
activations by tensor, has a mean cosine of .96 to its float32 graph, and .82 at the least.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx

# Kernels with fewer values stay float16. Of the fine-tuned Lite0 the least cosine to float32 is
# .9980 with 10,000 (4.5 MB), .9983 with 50,000 (4.9 MB), .9992 with 100,000 (5.3 MB).
FEWEST = 100_000


def round_weights(path: Path) -> None:
    """Store large kernels and matrices as int8 with a scale for each output channel, all other
    weights as `halve_weights` does.

    ONNX Runtime folds casts and products away on loading: the speed of float32.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    from mycovigil_training.encoder.export.graph import halve_weights

    model = onnx.load(path)
    weights = {one.name: one for one in model.graph.initializer}
    lifted = []
    for node in model.graph.node:
        weight = weights.get(node.input[1]) if node.op_type in {"Conv", "Gemm", "MatMul"} else None
        if weight is None or np.prod(weight.dims) < FEWEST:
            continue
        rounded, scale = _rounded(numpy_helper.to_array(weight), _output_axis(node))
        name = weight.name
        model.graph.initializer.remove(weight)
        model.graph.initializer.append(numpy_helper.from_array(rounded, f"{name}_int8"))
        model.graph.initializer.append(numpy_helper.from_array(scale, f"{name}_scale"))
        lifted.append(
            helper.make_node("Cast", [f"{name}_int8"], [f"{name}_cast"], to=TensorProto.FLOAT)
        )
        lifted.append(helper.make_node("Mul", [f"{name}_cast", f"{name}_scale"], [name]))
    nodes = [*lifted, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, path)
    halve_weights(path)


def _output_axis(node: onnx.NodeProto) -> int:
    """Where the output channels of a node's weight lie."""
    transposed = any(one.name == "transB" and one.i for one in node.attribute)
    return 0 if node.op_type == "Conv" or transposed else 1


def _rounded(
    weight: NDArray[np.float32], axis: int
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Rounded weight and its scales, shaped to be multiplied."""
    others = tuple(place for place in range(weight.ndim) if place != axis)
    scale = np.maximum(np.abs(weight).max(axis=others, keepdims=True) / 127, 1e-12)
    return np.round(weight / scale).astype(np.int8), scale.astype(np.float32)
