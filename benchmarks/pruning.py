"""A narrower tower: channels inside the inverted residuals that matter least are cut out.

No step of training follows. What a cut block's last convolution loses is made up by least squares
on photos (He, Zhang, Sun 2017, "Channel pruning for accelerating very deep neural networks").
"""

import copy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

BATCH = 16
# Channels are kept in groups that vector instructions fill.
MULTIPLE = 8
RIDGE = 1e-4


def pruned(tower: nn.Module, pixels: NDArray[np.float32], share: float) -> nn.Module:
    """A copy of `tower` without `share` of the channels between the convolutions of each inverted
    residual of timm's; `pixels` (n, 3, s, s) normalised are calibrated on."""
    found = copy.deepcopy(tower).eval()
    blocks: list[Any] = [one for one in found.modules() if type(one).__name__ == "InvertedResidual"]
    moments = _second_moments(found, [block.conv_pwl for block in blocks], pixels)
    for block, moment in zip(blocks, moments, strict=True):
        weight = block.conv_pwl.weight[:, :, 0, 0].double()
        worth = weight.square().sum(dim=0) * moment.diagonal()
        width = round(len(worth) * (1 - share) / MULTIPLE) * MULTIPLE
        kept = torch.sort(worth.topk(width).indices).values
        inner = moment[kept][:, kept]
        inner += RIDGE * inner.diagonal().mean() * torch.eye(width, dtype=torch.float64)
        fitted = torch.linalg.solve(inner, (weight @ moment[:, kept]).T).T
        _cut(block, kept, fitted.float()[:, :, None, None])
    return found


def _second_moments(
    tower: nn.Module, layers: list[nn.Module], pixels: NDArray[np.float32]
) -> list[Tensor]:
    """(c, c) sums of products of each layer's input channels, over all photos and places."""
    sums: list[Tensor | None] = [None] * len(layers)

    def remember(place: int, seen: Tensor) -> None:
        rows = seen.transpose(0, 1).flatten(1).double()
        product, before = rows @ rows.T, sums[place]
        sums[place] = product if before is None else before + product

    hooks = [
        layer.register_forward_pre_hook(lambda _, seen, place=place: remember(place, seen[0]))
        for place, layer in enumerate(layers)
    ]
    with torch.inference_mode():
        for start in range(0, len(pixels), BATCH):
            tower(torch.from_numpy(pixels[start : start + BATCH]))
    for hook in hooks:
        hook.remove()
    return [one.clone() for one in sums if one is not None]


def _cut(block: Any, kept: Tensor, last: Tensor) -> None:
    """Keep these channels of a block, whose last kernel becomes `last`."""
    with torch.no_grad():
        block.conv_pw.weight = nn.Parameter(block.conv_pw.weight[kept])
        block.conv_dw.weight = nn.Parameter(block.conv_dw.weight[kept])
        block.conv_pwl.weight = nn.Parameter(last)
        for norm in (block.bn1, block.bn2):
            for name in ("weight", "bias"):
                setattr(norm, name, nn.Parameter(getattr(norm, name)[kept]))
            for name in ("running_mean", "running_var"):
                setattr(norm, name, getattr(norm, name)[kept])
            norm.num_features = len(kept)
    block.conv_pw.out_channels = block.conv_pwl.in_channels = len(kept)
    block.conv_dw.in_channels = block.conv_dw.out_channels = block.conv_dw.groups = len(kept)
