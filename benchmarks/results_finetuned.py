"""The fine-tuned rows: a tower learns from one photographer's photos and is judged on another's.

python benchmarks/results_finetuned.py LEARNED JUDGED --tower TOWER --out RUN --json FILE --set …

The tower is judged with its own classifier, and with the head that `mycovigil train` fits on its
features. LEARNED and JUDGED are curated. RUN keeps the checkpoints: a run that was cut goes on.
Photos that the tower has learned from before are not judged.
"""

import argparse
import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mycovigil.vision.encoder.training_photos import PREFIX, from_text
from mycovigil_training import torchvision_shim
from mycovigil_training.configuration import compose as training_config
from mycovigil_training.dataset import curated
from mycovigil_training.dataset.curated import CuratedPhoto
from mycovigil_training.encoder.export.sample_photos import squares
from mycovigil_training.encoder.tower_file import Tower
from mycovigil_training.encoder.weights_header import checkpoint_of
from mycovigil_training.evaluate.measures import measures
from mycovigil_training.evaluate.recipes import Rows, head
from mycovigil_training.features.extraction import LABELS
from mycovigil_training.finetune.config import FinetuneConfig, compose
from mycovigil_training.finetune.recipe import finetune
from mycovigil_training.finetune.towers import load_tower
from mycovigil_training.progress import tracked

BATCH = 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("learned", type=Path)
    parser.add_argument("judged", type=Path)
    parser.add_argument("--tower", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--set", nargs="*", default=[], help="overrides of conf/finetune.yaml")
    options = parser.parse_args()
    config = compose([f"tower={options.tower}", *options.set])
    record = finetune(options.learned, options.out, config)
    tower, known = load_tower(config.tower, config.size)
    before = from_text(known)
    listed = curated.read(options.judged)
    photos = [
        photo
        for photo in listed
        if photo.safety_class in LABELS and photo.sha256[:PREFIX] not in before
    ]
    columns = labelled(photos)
    module = fine_tuned(tower, options.learned, options.out, config)
    own = [photo for photo in curated.read(options.learned) if photo.safety_class in LABELS]
    learned, judged = (
        encoded(module, folder, some)
        for folder, some in ((options.learned, own), (options.judged, photos))
    )
    known_rows = Rows(learned[0], learned[0][:, :0], *labelled(own))
    rows = {
        "fine-tuned, its own classifier": judged[1],
        "fine-tuned, then head": head(training_config())(
            known_rows, Rows(judged[0], judged[0][:, :0], *columns)
        ),
    }
    figures = {name: measures(found, *columns, seed=config.seed) for name, found in rows.items()}
    for one in figures.values():
        del one["recall_by_species"]
    about = {
        "encoder": f"{tower.facts.name}, fine-tuned",
        "run": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "seed": config.seed,
        "data": {
            "folder": options.judged.name,
            "content_hash": curated.content_hash(listed),
            "learned_from": options.learned.name,
        },
        "settings": options.set,
        "epochs": record.epochs,
        "seconds": round(record.seconds),
        "fine_tuned": figures,
    }
    options.json.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def labelled(photos: list[CuratedPhoto]) -> tuple[NDArray[Any], ...]:
    """Class numbers, species and specimens."""
    return (
        np.array([LABELS[photo.safety_class] for photo in photos], np.int64),
        np.array([photo.species for photo in photos]),
        np.array([photo.group for photo in photos]),
    )


def fine_tuned(tower: Tower, learned: Path, out: Path, config: FinetuneConfig) -> Any:
    """Tower and classifier of the best epoch."""
    torchvision_shim.make_importable()
    from mycovigil_training.finetune.loaders import Parts
    from mycovigil_training.finetune.module import Finetuner

    module = Finetuner(tower, Parts.of(learned, config).targets, config)
    module.load_state_dict(checkpoint_of(max(out.glob("best-*.ckpt")))["state_dict"])
    return module.eval()


def encoded(
    module: Any, folder: Path, photos: list[CuratedPhoto]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Unit features, and (n, 4) probabilities by the module's classifier."""
    facts, features, found = module.tower.facts, [], []
    for start in tracked(range(0, len(photos), BATCH), "encoding photos"):
        files = [(folder / photo.path).read_bytes() for photo in photos[start : start + BATCH]]
        pixels = torch.from_numpy(squares(files, facts.image_size, facts.resize))
        with torch.inference_mode():
            rows = torch.nn.functional.normalize(module.tower(pixels), dim=1)
            logits = module.head(rows * module.width**0.5)
            features.append(rows.numpy())
            found.append(module.targets.class_log_probabilities(logits).exp().double().numpy())
    return np.concatenate(features), np.concatenate(found)


if __name__ == "__main__":
    main()
