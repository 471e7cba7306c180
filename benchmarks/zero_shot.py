"""Words alone: photos named by the text tower that an encoder was fine-tuned with.

python benchmarks/zero_shot.py FINETUNED --photos CURATED --json docs/results/NAME.json

FINETUNED is what `mycovigil encoder finetune` wrote: exported encoders carry no text tower. A photo
class is that of the caption nearest to it, of the four classes or of the species it has words for,
summed by class. No photo of the folder is learned from; photos that the tower has learned from are
not judged.
"""

import argparse
import datetime
import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mycovigil.models.safety import CLASSES
from mycovigil.vision.encoder.training_photos import PREFIX, from_text
from mycovigil_training.configuration import compose
from mycovigil_training.dataset import curated
from mycovigil_training.dataset.classes.species_table import read_table
from mycovigil_training.encoder.export.sample_photos import squares
from mycovigil_training.encoder.finetune.condensing import text_tower
from mycovigil_training.encoder.finetune.weights import MEAN, STD, network
from mycovigil_training.encoder.finetune.weights_file import Finetuned, load_finetuned
from mycovigil_training.encoder.pretrain.captions import Vocabulary, captions_of, words_of
from mycovigil_training.evaluate.measures import measures
from mycovigil_training.features.extraction import LABELS
from mycovigil_training.progress import tracked

BATCH = 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    tuned = load_finetuned(options.weights)
    known = from_text(tuned.trained_on)
    listed = curated.read(options.photos)
    photos = [
        photo
        for photo in listed
        if photo.safety_class in LABELS and photo.sha256[:PREFIX] not in known
    ]
    files = [(options.photos / photo.path).read_bytes() for photo in photos]
    images = embedded(tuned, squares(files, tuned.recipe.image_size, "shortest"))
    columns = (
        np.array([LABELS[photo.safety_class] for photo in photos], np.int64),
        np.array([photo.species for photo in photos]),
        np.array([photo.group for photo in photos]),
    )
    species = named(tuned)
    rows = {
        "zero-shot words, classes": [
            (captions_of("mushroom", name.value, rendered=False)["safety"], place)
            for place, name in enumerate(CLASSES)
        ],
        f"zero-shot words, {len(species)} species": species,
    }
    judged = {
        name: measures(shares(tuned, images, captions), *columns, seed=compose().seed)
        for name, captions in rows.items()
    }
    for one in judged.values():
        del one["recall_by_species"]
    found = {
        "encoder": f"{options.weights.stem}, its text tower",
        "run": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "seed": compose().seed,
        "data": {
            "folder": options.photos.name,
            "content_hash": curated.content_hash(listed),
        },
        "words": judged,
    }
    options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def named(tuned: Finetuned) -> list[tuple[str, int]]:
    """Captions of the species table's species of which it knows every word, and their classes."""
    words = set(tuned.words)
    return [
        (captions_of(row.name, row.safety_class, rendered=False)["species"], place)
        for row in read_table().rows
        if row.safety_class and words >= set(words_of(row.name))
        for place in [LABELS[row.safety_class]]
    ]


def embedded(tuned: Finetuned, pixels: NDArray[np.uint8]) -> Tensor:
    """(n, d) unit vectors of photos in the space of the words."""
    body = network(tuned.recipe.architecture)
    body.load_state_dict(tuned.network)
    body.eval()
    projection, parts = tuned.rest["image.projection.weight"], []
    for start in tracked(range(0, len(pixels), BATCH), "encoding photos"):
        batch = torch.from_numpy(pixels[start : start + BATCH]).permute(0, 3, 1, 2).float() / 255
        with torch.inference_mode():
            parts.append(body((batch - MEAN[0]) / STD[0]) @ projection.T)
    return torch.nn.functional.normalize(torch.cat(parts), dim=1)


def shares(
    tuned: Finetuned, images: Tensor, captions: list[tuple[str, int]]
) -> NDArray[np.float64]:
    """(n, 4) probabilities: a softmax over the captions, summed by class."""
    tokens = Vocabulary(tuned.words).tokens([caption for caption, _ in captions])
    with torch.inference_mode():
        words = text_tower(tuned)(torch.from_numpy(tokens))
        each = (tuned.rest["log_scale"].exp() * images @ words.T).softmax(dim=1).double().numpy()
    found = np.zeros((len(images), len(CLASSES)))
    np.add.at(found.T, [place for _, place in captions], each.T)
    return found


if __name__ == "__main__":
    main()
