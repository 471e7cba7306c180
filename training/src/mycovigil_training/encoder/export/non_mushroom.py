"""The direction in which photos without a mushroom lie, from the encoder's text tower.

Zero-shot classification (Radford et al., 2021): the mean text embedding of prompts for other
things less that of prompts for mushrooms. So a model that was trained on mushrooms alone can still
say "this is none"; from which score on, its calibration photos decide.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
import torch
from torch import Tensor

from mycovigil_training.encoder.pretrain.captions import MUSHROOM, OTHER, Vocabulary
from mycovigil_training.encoder.pretrain.towers import Mini, TextTower

MUSHROOMS = (
    "a photo of a mushroom.",
    "a photo of a fungus.",
    "a photo of a toadstool on the forest floor.",
    "a photo of a mushroom held in a hand.",
    "a close-up photo of the gills of a mushroom.",
    "a photo of mushrooms growing on wood.",
)
OTHERS = (
    "a photo of an animal.",
    "a photo of a person.",
    "a photo of a plant without mushrooms.",
    "a photo of food.",
    "a photo of an object.",
    "a photo of a vehicle.",
    "a photo of a building.",
    "a photo of a landscape.",
    "a photo of a room.",
    "a screenshot of a text.",
)
logger = structlog.get_logger(__name__)


def direction_of(model: Any, architecture: str) -> Tensor | None:
    """`(D,)` of an open_clip model; none, with a warning, where its tokenizer is out of reach."""
    import open_clip

    try:
        tokenizer = open_clip.get_tokenizer(architecture)
    except (OSError, RuntimeError, ValueError, ImportError) as error:
        logger.warning("no prompts for photos without a mushroom", error=str(error))
        return None
    return _direction(
        lambda texts: model.encode_text(tokenizer(list(texts)), normalize=True), MUSHROOMS, OTHERS
    )


def direction_of_mini(model: Mini) -> Tensor:
    """`(D,)` of `mini`."""
    return caption_direction(model.text, model.config.words)


def caption_direction(text: TextTower, words: tuple[str, ...]) -> Tensor:
    """`(D,)` by a text tower of ours, which knows two captions for this and few other words."""
    vocabulary = Vocabulary(words)
    return _direction(
        lambda texts: text(torch.from_numpy(vocabulary.tokens(list(texts)))),
        (MUSHROOM,),
        (OTHER,),
    )


def _direction(
    embed: Callable[[tuple[str, ...]], Tensor], mushrooms: tuple[str, ...], others: tuple[str, ...]
) -> Tensor:
    with torch.inference_mode():
        direction = embed(others).mean(0) - embed(mushrooms).mean(0)
    return torch.nn.functional.normalize(direction, dim=0)
