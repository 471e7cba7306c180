"""Fine-tuned image towers on disk: safetensors, with all that is needed to serve them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from mycovigil_training import torchvision_shim
from mycovigil_training.encoder.pretrain.towers import ImageTower, MiniConfig
from mycovigil_training.encoder.weights_header import fill, header_of

HEADER = "tower"
CONDENSED = "condensed"
Channels = tuple[float, float, float]


class TowerFacts(BaseModel):
    """What must be known to build a tower again and to serve it; the header of its file.

    Attributes:
        library: `timm`, `open_clip`, `mini` or `condensed`.
        architecture: The library's name for it; of `mini`, its config as JSON; of a condensed
            tower, timm's name and the number of features.
        non_mushroom_direction: See `Source`; empty without one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    library: str
    architecture: str
    name: str
    image_size: int
    resize: str
    mean: Channels
    std: Channels
    licence: str
    non_mushroom_direction: tuple[float, ...] = ()


class CondensedTower(nn.Module):
    """A timm network whose features, of unit length, are projected to fewer axes."""

    def __init__(self, body: nn.Module, dimension: int) -> None:
        super().__init__()
        self.body = body
        self.axes = nn.Linear(int(body.num_features), dimension)  # type: ignore[arg-type]

    def forward(self, pixels: Tensor) -> Tensor:
        """`(N, 3, H, W)` normalised pixels to `(N, dimension)` features."""
        features: Tensor = self.axes(functional.normalize(self.body(pixels), dim=1))
        return features

    def project(self, axes: Tensor, centre: Tensor) -> None:
        """Set `(dimension, width)` axes and the `(width,)` centre that is taken off before."""
        with torch.no_grad():
            self.axes.weight.copy_(axes)
            self.axes.bias.copy_(-axes @ centre)


class Tower(nn.Module):
    """An image tower whose batch norms keep the statistics that it came with.

    So the loss of a batch does not depend on which photos share a process.
    """

    def __init__(self, body: nn.Module, facts: TowerFacts) -> None:
        super().__init__()
        self.body = body
        self.facts = facts

    def forward(self, pixels: Tensor) -> Tensor:
        """`(N, size, size, 3)` uint8 to `(N, width)` features."""
        facts = self.facts
        mean = 255.0 * torch.tensor(facts.mean, device=pixels.device).view(1, 3, 1, 1)
        std = 255.0 * torch.tensor(facts.std, device=pixels.device).view(1, 3, 1, 1)
        seen = self.body((pixels.permute(0, 3, 1, 2).float() - mean) / std)
        features: Tensor = seen[0] if isinstance(seen, tuple) else seen
        return features

    def train(self, mode: bool = True) -> Tower:
        """Switch everything but the batch norms."""
        super().train(mode)
        for module in self.body.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self

    @property
    def width(self) -> int:
        """Number of features."""
        size = self.facts.image_size
        with torch.inference_mode():
            return int(self.eval()(torch.zeros(1, size, size, 3, dtype=torch.uint8)).shape[1])


def save_tower(tower: Tower, path: Path, *, trained_on: str) -> None:
    """Write a tower for `mycovigil encoder export`, with the photos that it learned from."""
    state = {name: value.detach().contiguous() for name, value in tower.body.state_dict().items()}
    metadata = {HEADER: tower.facts.model_dump_json(), "trained_on": trained_on}
    part = path.with_suffix(".part")
    save_file(state, part, metadata=metadata)
    part.replace(path)


def is_tower_file(path: Path) -> bool:
    """Whether `save_tower` wrote it; no where there is none.

    Raises:
        DamagedWeights: It cannot be read.
    """
    try:
        return HEADER in header_of(path)
    except OSError:
        return False


def read_tower(path: Path) -> tuple[Tower, str]:
    """What `save_tower` wrote: the tower, and the photos that it learned from.

    Raises:
        DamagedWeights: It cannot be read.
    """
    header = header_of(path)
    facts = TowerFacts.model_validate_json(header[HEADER])
    body = _built(facts)
    fill(body, path)
    return Tower(body, facts).eval(), header.get("trained_on", "")


def _built(facts: TowerFacts) -> nn.Module:
    """The architecture, weights at random."""
    torchvision_shim.make_importable()
    if facts.library == "mini":
        return ImageTower(MiniConfig.model_validate(json.loads(facts.architecture)))
    if facts.library == "timm":
        return _of_timm(facts.architecture)
    if facts.library == CONDENSED:
        architecture, _, dimension = facts.architecture.partition(":")
        return CondensedTower(_of_timm(architecture), int(dimension))
    import open_clip

    visual: nn.Module = open_clip.create_model(facts.architecture).visual
    return visual


def _of_timm(architecture: str) -> nn.Module:
    import timm

    body: Any = timm.create_model(architecture)
    body.reset_classifier(0)
    module: nn.Module = body
    return module
