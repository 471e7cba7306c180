"""Where an encoder's weights come from: open_clip by name, or our own `mini`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL.Image import Image
from torch import Tensor, nn

from mycovigil_training import torchvision_shim
from mycovigil_training.encoder import activation
from mycovigil_training.encoder.export.non_mushroom import direction_of, direction_of_mini
from mycovigil_training.encoder.pretrain.towers import MEAN, STD, load_mini, trained_on
from mycovigil_training.encoder.tower_file import is_tower_file, read_tower

LOCAL = "local-dir:"
SCHEMES = ("hf-hub:", LOCAL)
LICENCES = {
    "hf-hub:imageomics/bioclip": "MIT",
    "hf-hub:imageomics/bioclip-2": "MIT",
    "ViT-B-32/laion2b_s34b_b79k": "MIT",
    "ViT-B-16/laion2b_s34b_b88k": "MIT",
}
UNKNOWN_LICENCE = "unknown: look it up where the weights come from before you serve them"
MINI_LICENCE = "demo weights; the photos they were trained on state no licence (MODEL_CARD.md)"


class UnknownEncoder(ValueError):
    """No weights are found under that name."""


class UnsupportedPreprocessing(ValueError):
    """The model wants its pixels in a way that our one decode path does not offer."""


@dataclass(frozen=True)
class Source:
    """A torch image tower and all that must be known to serve it.

    Attributes:
        tower: `(N, 3, size, size)` normalised pixels to `(N, dimension)` features.
        transform: The library's own way from a picture to normalised pixels, if it has one.
        resize: `shortest` (then centre crop) or `squash`, bicubic.
        non_mushroom_direction: `(dimension,)` direction of photos without a mushroom, named by
            its text tower; none where it cannot.
        trained_on: Photos that it learned from, where we trained it ourselves.
    """

    name: str
    architecture: str
    tower: nn.Module
    image_size: int
    resize: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    licence: str
    transform: Callable[[Image], Tensor] | None = None
    non_mushroom_direction: Tensor | None = None
    trained_on: str = ""

    @property
    def weights_digest(self) -> str:
        """sha256 over names, types, shapes and bytes of the image tower's state."""
        digest = hashlib.sha256()
        for name, value in sorted(self.tower.state_dict().items()):
            digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
            digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
        return digest.hexdigest()


class FirstOutput(nn.Module):
    """An open_clip image tower; towers that also give token features give them second."""

    def __init__(self, visual: nn.Module) -> None:
        super().__init__()
        self.visual = visual

    def forward(self, pixels: Tensor) -> Tensor:
        out = self.visual(pixels)
        features: Tensor = out[0] if isinstance(out, tuple) else out
        return features


def load_source(name: str, *, licence: str | None = None) -> Source:
    """Load an image tower in evaluation mode.

    Args:
        name: `hf-hub:ORG/REPO`, `local-dir:FOLDER` (with open_clip_config.json),
            `ARCHITECTURE/TAG`, `ARCHITECTURE:CHECKPOINT_FILE`, or a weights file of
            ours (`.safetensors` alone): `mini`, or a fine-tuned tower.
        licence: Licence of the weights, where ours is not among the known ones.

    Raises:
        UnknownEncoder: Nothing loads under that name; the message says what was tried.
        UnsupportedPreprocessing: Its preprocessing is neither of our two.
        ActivationMismatch: A checkpoint file that was trained with QuickGELU, under a plain name.
    """
    if name.endswith(".safetensors") and ":" not in name:
        return _own_source(Path(name), licence)
    torchvision_shim.make_importable()
    import open_clip

    architecture, options = _parsed(name)
    if name.startswith(LOCAL):
        activation.check_folder(Path(name.removeprefix(LOCAL)))
    activation.check(architecture, options.get("pretrained", ""))
    try:
        model, transform = open_clip.create_model_from_pretrained(architecture, **options)
    except (RuntimeError, ValueError, OSError, AssertionError) as error:
        raise UnknownEncoder(f"open_clip cannot load {name!r}: {error}") from error
    size, resize, mean, std = _preprocessing(open_clip.get_model_preprocess_cfg(model))
    return Source(
        name=_public_name(name),
        architecture=architecture,
        tower=FirstOutput(model.visual).eval(),
        image_size=size,
        resize=resize,
        mean=mean,
        std=std,
        licence=licence or LICENCES.get(name, UNKNOWN_LICENCE),
        transform=transform,
        non_mushroom_direction=direction_of(model, architecture),
    )


def _own_source(path: Path, licence: str | None) -> Source:
    if is_tower_file(path):
        return _tower_source(path, licence)
    try:
        model = load_mini(path)
    except (OSError, ValueError) as error:
        raise UnknownEncoder(f"{path} holds no mini weights: {error}") from error
    return Source(
        name="mini",
        architecture="resnet10t-thin",
        tower=model.image.eval(),
        image_size=model.config.image_size,
        resize="shortest",
        mean=MEAN,
        std=STD,
        licence=licence or MINI_LICENCE,
        non_mushroom_direction=direction_of_mini(model),
        trained_on=trained_on(path),
    )


def _tower_source(path: Path, licence: str | None) -> Source:
    tower, photos = read_tower(path)
    facts, direction = tower.facts, tower.facts.non_mushroom_direction
    return Source(
        name=facts.name,
        architecture=facts.architecture if facts.library != "mini" else "resnet10t-thin",
        tower=FirstOutput(tower.body).eval(),
        image_size=facts.image_size,
        resize=facts.resize,
        mean=facts.mean,
        std=facts.std,
        licence=licence or facts.licence,
        non_mushroom_direction=torch.tensor(direction) if direction else None,
        trained_on=photos,
    )


def _parsed(name: str) -> tuple[str, dict[str, Any]]:
    """What open_clip calls the model, and its options."""
    if name.startswith(SCHEMES):
        return name, {}
    separator = min((mark for mark in "/:" if mark in name), key=name.index, default="")
    architecture, _, weights = name.partition(separator) if separator else (name, "", "")
    if not weights:
        raise UnknownEncoder(
            f"{name!r} names no weights: give ARCHITECTURE/TAG, ARCHITECTURE:FILE, "
            "hf-hub:ORG/REPO, local-dir:FOLDER or a mini .safetensors file"
        )
    return architecture, {"pretrained": weights, "force_quick_gelu": _quick_gelu(name, weights)}


def _quick_gelu(name: str, tag: str) -> bool:
    """Whether those weights were trained with QuickGELU; with GELU they would be subtly wrong."""
    import open_clip

    known = open_clip.get_pretrained_cfg(name.partition("/")[0], tag) or {}
    return bool(known.get("quick_gelu", False))


def _public_name(name: str) -> str:
    """The name without the folders of a local file, which are nobody else's business."""
    architecture, mark, place = name.partition(":")
    if not mark or name.startswith("hf-hub:"):
        return name
    return f"{architecture}:{Path(place).name}"


def _preprocessing(
    config: dict[str, Any],
) -> tuple[int, str, tuple[float, float, float], tuple[float, float, float]]:
    size = config["size"]
    sides = {size} if isinstance(size, int) else set(size)
    resize, interpolation = config["resize_mode"], config["interpolation"]
    if len(sides) != 1 or resize not in {"shortest", "squash"} or interpolation != "bicubic":
        raise UnsupportedPreprocessing(
            f"size {size}, resize {resize!r}, interpolation {interpolation!r}: we decode to "
            "squares, shortest side or squashed, bicubic"
        )
    mean, std = tuple(config["mean"]), tuple(config["std"])
    return sides.pop(), resize, mean, std
