"""A trunk whose lower stages are frozen, and the frozen ImageNet copy of its upper stages."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from mycovigil_training.encoder.pretrain.towers import ProjectedTower


class StagedTrunk(nn.Module):
    """A timm EfficientNet cut in two: frozen lower stages, and upper stages that learn.

    Batch norms always use the statistics of ImageNet, so that the size of a batch, its blends and
    the number of processes change nothing.
    """

    def __init__(self, network: nn.Module, frozen_stages: int) -> None:
        super().__init__()
        self.network = network
        parts = stages_of(network)
        self._lower = parts[:frozen_stages]
        self._upper = parts[frozen_stages:]
        for part in self._lower:
            part.requires_grad_(False)

    def train(self, mode: bool = True) -> StagedTrunk:
        """Switch everything but the batch norms."""
        super().train(mode)
        for module in self.network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def forward(self, pixels: Tensor) -> Tensor:
        """`(N, 3, H, W)` normalised pixels to `(N, width)` pooled features."""
        return self.upper(self.lower(pixels))

    def lower(self, pixels: Tensor) -> Tensor:
        """Maps that leave the frozen stages; computed without gradients, in bfloat16."""
        with torch.no_grad(), torch.autocast(pixels.device.type, torch.bfloat16, self.training):
            for part in self._lower:
                pixels = part(pixels)
        return pixels.float()

    def upper(self, maps: Tensor) -> Tensor:
        """Pooled features of such maps."""
        for part in self._upper:
            maps = part(maps)
        return maps

    def frozen_copy(self) -> nn.Sequential:
        """The upper stages as they are now, which never change: the teacher."""
        return nn.Sequential(*copy.deepcopy(self._upper)).requires_grad_(False).eval()

    def rates(self, layer_decay: float) -> list[tuple[list[nn.Parameter], float]]:
        """Parameters of each upper stage and their share of the trunk's learning rate."""
        groups = [(list(part.parameters()), part) for part in self._upper]
        learning = [parameters for parameters, _ in groups if parameters]
        top = len(learning) - 1
        return [(part, layer_decay ** (top - i)) for i, part in enumerate(learning)]


class Tower(ProjectedTower):
    """The trunk and its projection into the space that it shares with the text tower."""

    trunk: StagedTrunk

    def __init__(self, trunk: StagedTrunk, width: int, dimension: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.projection = nn.Linear(width, dimension, bias=False)


def stages_of(network: Any) -> list[nn.Module]:
    """The parts of a timm EfficientNet in order: stem, each stage, head with pooling."""
    stem = nn.Sequential(network.conv_stem, network.bn1)
    head = nn.Sequential(network.conv_head, network.bn2, network.global_pool)
    return [stem, *network.blocks, head]
