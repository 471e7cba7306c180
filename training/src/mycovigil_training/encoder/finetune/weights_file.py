"""Weights of a fine-tuned tower on disk: safetensors, with recipe and photos in the header."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from mycovigil_training.encoder.finetune.recipe import FinetuneRecipe
from mycovigil_training.encoder.pretrain.towers import CaptionModel
from mycovigil_training.encoder.weights_header import header_of, tensors_of

HEADER = "finetuned"


@dataclass(frozen=True)
class Finetuned:
    """What a file of `save_finetuned` holds.

    Attributes:
        network: State of the timm network, by timm's names.
        rest: State of projection, text tower and logit scale, by `CaptionModel`'s names.
        words: Vocabulary of the text tower.
        trained_on: Photos, in the text form of `mycovigil.vision.encoder.training_photos`.
    """

    network: dict[str, Tensor]
    rest: dict[str, Tensor]
    recipe: FinetuneRecipe
    words: tuple[str, ...]
    trained_on: str


PREFIX = "image.trunk.network."


def save_finetuned(
    model: CaptionModel,
    path: Path,
    *,
    recipe: FinetuneRecipe,
    words: tuple[str, ...],
    trained_on: str,
) -> None:
    """Write the weights."""
    state = {name: value.detach().contiguous() for name, value in model.state_dict().items()}
    about = json.dumps({"recipe": recipe.model_dump(mode="json"), "words": words})
    save_file(state, path, metadata={HEADER: about, "trained_on": trained_on})


def load_finetuned(path: Path) -> Finetuned:
    """Read such a file.

    Raises:
        ValueError: The file is of another kind, or damaged.
    """
    header = header_of(path)
    if HEADER not in header:
        raise ValueError(f"{path} holds no fine-tuned tower: its header names no recipe")
    about, state = json.loads(header[HEADER]), tensors_of(path)
    return Finetuned(
        {k.removeprefix(PREFIX): v for k, v in state.items() if k.startswith(PREFIX)},
        {k: v for k, v in state.items() if not k.startswith(PREFIX)},
        FinetuneRecipe.model_validate(about["recipe"]),
        tuple(about["words"]),
        header.get("trained_on", ""),
    )
