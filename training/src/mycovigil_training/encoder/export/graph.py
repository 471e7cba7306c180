"""The ONNX graph: uint8 sRGB squares in, unit features out, so nobody can normalise otherwise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mycovigil_training.encoder.source import Source

OPSET = 18
LARGEST = 2**31 - 2**20  # protobuf's 2 GiB, less room for the graph
WORTH_HALVING = 1024  # values; below it scales and biases stay exact


class GraphTooLarge(ValueError):
    """The graph does not fit into one ONNX file."""


class PixelGraph(nn.Module):
    """Scaling, normalisation, tower and L2 norm around an image tower."""

    mean: Tensor
    std: Tensor

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.tower = source.tower
        self.register_buffer("mean", 255.0 * torch.tensor(source.mean).view(1, 3, 1, 1))
        self.register_buffer("std", 255.0 * torch.tensor(source.std).view(1, 3, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        """`(N, size, size, 3)` uint8 to `(N, dimension)` float32 of unit length."""
        values = (pixels.permute(0, 3, 1, 2).to(torch.float32) - self.mean) / self.std
        return functional.normalize(self.tower(values), dim=-1)


def write_graph(source: Source, path: Path) -> None:
    """Export to one float32 ONNX file with a free batch axis (torch's dynamo exporter).

    Raises:
        GraphTooLarge: The weights take more than 2 GiB.
    """
    weights = sum(p.numel() * p.element_size() for p in source.tower.parameters())
    if weights > LARGEST:
        raise GraphTooLarge(
            f"{source.name} has {weights / 2**30:.1f} GiB of weights; ONNX "
            "files end at 2 GiB: choose a smaller model"
        )
    example = torch.zeros(2, source.image_size, source.image_size, 3, dtype=torch.uint8)
    program = torch.onnx.export(
        PixelGraph(source).eval(),
        (example,),
        dynamo=True,
        input_names=["pixels"],
        output_names=["features"],
        dynamic_shapes={"pixels": {0: torch.export.Dim.DYNAMIC}},
        opset_version=OPSET,
        verbose=False,
    )
    assert program is not None
    program.save(path, external_data=False)


def halve_weights(path: Path) -> None:
    """Store the large float32 weights as float16, cast back when the graph is loaded.

    ONNX Runtime folds the casts away on loading: half the file, the speed and range of float32.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(path)
    casts = []
    for weight in model.graph.initializer:
        if weight.data_type != TensorProto.FLOAT or np.prod(weight.dims) < WORTH_HALVING:
            continue
        name = weight.name
        half = numpy_helper.from_array(
            numpy_helper.to_array(weight).astype(np.float16), f"{name}_half"
        )
        weight.CopyFrom(half)
        casts.append(helper.make_node("Cast", [half.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, path)


def annotate(path: Path, key: str, value: str) -> None:
    """Write a fact into the graph's metadata, and so into its digest.

    The same weights computed in another way are another encoder.
    """
    import onnx

    model = onnx.load(path)
    model.metadata_props.add(key=key, value=value)
    onnx.save(model, path)


def is_convolutional(tower: nn.Module) -> bool:
    """Whether most of the weights are convolution kernels."""
    kernels = sum(m.weight.numel() for m in tower.modules() if isinstance(m, nn.Conv2d))
    return kernels > 0.5 * sum(p.numel() for p in tower.parameters())


def graph_features(source: Source, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The torch reference: features of uint8 squares by the same steps, without ONNX."""
    graph = PixelGraph(source).eval()
    with torch.inference_mode():
        parts = [graph(torch.from_numpy(pixels[i : i + 16])) for i in range(0, len(pixels), 16)]
    return np.asarray(torch.cat(parts).numpy(), dtype=np.float32)
