"""`mini`: a small CLIP of our own, a thinned ResNet image tower and a word transformer."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from mycovigil_training import torchvision_shim
from mycovigil_training.encoder.pretrain.captions import CONTEXT, PADDING, Vocabulary
from mycovigil_training.encoder.weights_header import fill, header_of

MEAN = (0.48145466, 0.4578275, 0.40821073)  # those of CLIP (Radford et al., 2021)
STD = (0.26862954, 0.26130258, 0.27577711)


class MiniConfig(BaseModel):
    """Shape of a `mini` model; kept in the header of its weights file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: tuple[int, int, int, int] = (48, 96, 192, 384)
    stem_width: int = 24
    image_size: int = 96
    dimension: int = 256
    text_width: int = 128
    text_layers: int = 2
    words: tuple[str, ...] = ()


class ProjectedTower(nn.Module):
    """A trunk and its projection; normalised pixels in, unit embeddings out."""

    trunk: nn.Module
    projection: nn.Linear

    def forward(self, pixels: Tensor) -> Tensor:
        """`(N, 3, H, W)` normalised pixels to `(N, dimension)` unit vectors."""
        return functional.normalize(self.projection(self.trunk(pixels)), dim=-1)


class ImageTower(ProjectedTower):
    """ResNet10-T trunk (timm) and a projection; normalised pixels in, unit embeddings out."""

    def __init__(self, config: MiniConfig) -> None:
        super().__init__()
        torchvision_shim.make_importable()
        import timm

        self.trunk = timm.create_model(
            "resnet10t",
            channels=config.channels,
            stem_width=config.stem_width,
            num_classes=0,
        )
        self.projection = nn.Linear(config.channels[-1], config.dimension, bias=False)


class TextTower(nn.Module):
    """Two pre-norm transformer layers over words, mean-pooled, projected to the image's space."""

    def __init__(self, config: MiniConfig) -> None:
        super().__init__()
        width = config.text_width
        self.words = nn.Embedding(Vocabulary(config.words).size, width, padding_idx=PADDING)
        self.places = nn.Parameter(torch.zeros(CONTEXT, width))
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, 4, 2 * width, dropout=0.0, batch_first=True, norm_first=True
            )
            for _ in range(config.text_layers)
        )
        self.norm = nn.LayerNorm(width)
        self.projection = nn.Linear(width, config.dimension, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """`(N, words)` tokens, at most CONTEXT words, to `(N, dimension)` unit vectors."""
        absent = tokens == PADDING
        hidden = self.words(tokens) + self.places[: tokens.shape[1]]
        for layer in self.layers:
            hidden = layer(hidden, src_key_padding_mask=absent)
        present = (~absent).unsqueeze(-1).to(hidden.dtype)
        pooled = (self.norm(hidden) * present).sum(1) / present.sum(1).clamp(min=1.0)
        return functional.normalize(self.projection(pooled), dim=-1)


class CaptionModel(nn.Module):
    """An image tower, a text tower and the learned logit scale."""

    def __init__(self, image: ProjectedTower, text: TextTower) -> None:
        super().__init__()
        self.image = image
        self.text = text
        self.log_scale = nn.Parameter(torch.tensor(2.66))  # exp = 14.3, CLIP's 1 / 0.07


class Mini(CaptionModel):
    """The towers of `mini`."""

    def __init__(self, config: MiniConfig) -> None:
        super().__init__(ImageTower(config), TextTower(config))
        self.config = config


def save_mini(model: Mini, path: Path, *, trained_on: str = "") -> None:
    """Write the weights as safetensors, the config in the header, and which photos they know."""
    state = {name: value.detach().contiguous() for name, value in model.state_dict().items()}
    header = {"mini": model.config.model_dump_json(), "trained_on": trained_on}
    save_file(state, path, metadata=header)


def trained_on(path: Path) -> str:
    """The photos that a file of `save_mini` was trained on, in the text form of
    `mycovigil.vision.encoder.training_photos`."""
    return header_of(path).get("trained_on", "")


def load_mini(path: Path) -> Mini:
    """Read a model that `save_mini` wrote.

    Raises:
        ValueError: The file is not a `mini` checkpoint, or is damaged.
    """
    header = header_of(path).get("mini")
    if header is None:
        raise ValueError(f"{path} holds no mini model: its header names no config")
    model = Mini(MiniConfig.model_validate(json.loads(header)))
    fill(model, path)
    return model.eval()
