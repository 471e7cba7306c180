"""What helps rare classes: nothing, re-weighting, logit adjustment, balanced draws, species.

python benchmarks/imbalance.py --photos ../shared/data/field_walks --encoder FOLDER --json FILE

A linear head on frozen features of unit length, by the losses of recipe `finetune`
(`mycovigil_training.finetune.targets`), judged by out-of-fold predictions: five folds of whole
species-and-days. `sampled` draws each class alike, which for a head on all rows is re-weighting to
the power -1. Costs are those of FungiCLEF's second track: 100 for poisonous called edible, 1 for
the reverse.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from photo_features import TERMINAL
from rich.table import Table
from sklearn.model_selection import StratifiedGroupKFold

from mycovigil.models.safety import CLASSES, SafetyClass
from mycovigil.vision.encoder.identity import EncoderIdentity, locate
from mycovigil_statistics.safety.proportions import interval
from mycovigil_training.dataset.curated import CuratedPhoto
from mycovigil_training.encoder.export.runtime import in_batches, open_graph
from mycovigil_training.encoder.export.sample_photos import squares
from mycovigil_training.encoder.pretrain.photographs import read_listing
from mycovigil_training.finetune.config import ImbalanceConfig
from mycovigil_training.finetune.cost import decision_cost, expected_cost
from mycovigil_training.finetune.targets import Imbalance, Targets

NAMES = [name.value for name in CLASSES]
DEADLY = CLASSES.index(SafetyClass.DEADLY)
ANSWERS = {
    "none": ImbalanceConfig(sampling=0, weighting=0, adjustment=0),
    "reweighted": ImbalanceConfig(sampling=0, weighting=0.5, adjustment=0),
    "sampled": ImbalanceConfig(sampling=0, weighting=1, adjustment=0),
    "adjusted": ImbalanceConfig(sampling=0, weighting=0, adjustment=1),
}
FOLDS, RIDGE, STEPS = 5, 1e-3, 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, nargs="+", required=True)
    parser.add_argument("--encoder", default="lite/int8-weights")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    photos, features = encoded(options.photos, options.encoder)
    rows = {
        f"{kind}, {name}": figures(photos, out_of_fold(photos, features, kind, answer))
        for kind in ("safety", "species")
        for name, answer in ANSWERS.items()
    }
    table = Table("", "macro recall", "deadly found", "cost of decisions", "expected cost")
    for name, row in rows.items():
        table.add_row(name, *(str(value) for value in row.values()))
    TERMINAL.print(table)
    if options.json:
        identity = EncoderIdentity.read(locate(options.encoder))
        about = {"encoder": identity.onnx_digest, "photos": len(photos), "rows": rows}
        options.json.write_text(json.dumps(about, indent=1) + "\n")


def encoded(folders: list[Path], uri: str) -> tuple[list[CuratedPhoto], torch.Tensor]:
    """The photos of the four safety classes, and their (N, D) features."""
    place = locate(uri)
    identity = EncoderIdentity.read(place)
    encode = open_graph(identity.checked_onnx(place), identity.runtime, identity.runtime_options)
    listed = [row for folder in folders for row in read_listing(folder)]
    listed = [row for row in listed if row.safety_class in NAMES]
    parts = []
    for start in range(0, len(listed), 256):
        files = [row.path.read_bytes() for row in listed[start : start + 256]]
        pixels = squares(files, identity.image_size, identity.resize)
        parts.append(in_batches(encode, pixels, 32))
    photos = [
        CuratedPhoto(str(row.path), row.species, row.safety_class, "", row.group, "")
        for row in listed
    ]
    return photos, torch.from_numpy(np.concatenate(parts))


def out_of_fold(
    photos: list[CuratedPhoto], features: torch.Tensor, kind: str, answer: ImbalanceConfig
) -> NDArray[np.float64]:
    """(N, 4) class probabilities, each from a head that saw no photo of its species-day."""
    groups = [photo.group for photo in photos]
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    found = np.zeros((len(photos), len(CLASSES)))
    for train, held in folds.split(np.zeros(len(photos)), truth(photos), groups):
        seen = [photos[row] for row in train]
        targets = Targets.of(seen, kind)
        labels = torch.from_numpy(targets.labels(seen, kind))
        logits = head(features[train], labels, Imbalance.of(targets, answer))(features[held])
        with torch.inference_mode():
            found[held] = targets.class_log_probabilities(logits).exp().double().numpy()
    return found


def head(features: torch.Tensor, labels: torch.Tensor, imbalance: Imbalance) -> torch.nn.Module:
    """A linear head at the minimum of the loss, by L-BFGS; its input is scaled as in the recipe."""
    width = features.shape[1]
    layer = torch.nn.Linear(width, len(imbalance.added))
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    optimiser = torch.optim.LBFGS(
        layer.parameters(), max_iter=STEPS, history_size=20, line_search_fn="strong_wolfe"
    )
    scaled = features * width**0.5

    def closure() -> float:
        optimiser.zero_grad()
        loss = imbalance.loss(layer(scaled), labels) + RIDGE * layer.weight.square().sum()
        torch.autograd.backward(loss)
        return float(loss.detach())

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    return torch.nn.Sequential(Scale(width**0.5), layer).requires_grad_(False)


class Scale(torch.nn.Module):
    """Multiplies by a constant."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return rows * self.factor


def truth(photos: list[CuratedPhoto]) -> NDArray[np.int64]:
    return np.array([NAMES.index(photo.safety_class) for photo in photos], dtype=np.int64)


def figures(photos: list[CuratedPhoto], found: NDArray[np.float64]) -> dict[str, object]:
    """Macro recall, deadly photos recognised with an exact interval, and both costs."""
    labels, answers = truth(photos), found.argmax(axis=1)
    recalls = [(answers[labels == number] == number).mean() for number in range(len(CLASSES))]
    deadly = labels == DEADLY
    recognised = interval(int((answers[deadly] == DEADLY).sum()), int(deadly.sum()))
    return {
        "macro_recall": round(float(np.mean(recalls)), 3),
        "deadly": f"{recognised.estimate:.3f} [{recognised.low:.3f}, {recognised.high:.3f}]",
        "decision_cost": round(decision_cost(found, labels), 3),
        "expected_cost": round(expected_cost(found, labels), 3),
    }


if __name__ == "__main__":
    main()
