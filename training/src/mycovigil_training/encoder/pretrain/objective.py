"""What `mini` is trained for: name the right caption of a photo among all captions of a level."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from mycovigil_training.encoder.pretrain.captions import LEVELS, CaptionSet, Vocabulary
from mycovigil_training.encoder.pretrain.towers import CaptionModel

SMOOTHING = 0.05
MAX_LOG_SCALE = 3.9  # exp = 49


@dataclass(frozen=True)
class Batch:
    """Views of photos and what is said of them.

    Attributes:
        views: `(N, 3, H, W)` normalised pixels.
        targets: Caption index of each level (-1: none) and its share of the blame; two entries
            with shares adding to 1 when the views are blends.
        described: `(K,)` rows that have a description of their own.
        descriptions: `(K, words)` tokens of them.
    """

    views: Tensor
    targets: list[tuple[dict[str, Tensor], float]]
    described: Tensor
    descriptions: Tensor


class CaptionObjective(nn.Module):
    """Softmax over the captions of each level, descriptions within the batch, and linear heads.

    Descriptions are matched both ways as in CLIP (Radford et al., 2021). The heads, one a level,
    read the trunk and are thrown away after training; they give it a gradient that does not pass
    through the narrow shared space.
    """

    def __init__(self, captions: CaptionSet, vocabulary: Vocabulary, trunk_width: int) -> None:
        super().__init__()
        self.levels = tuple(level for level in LEVELS if captions.texts[level])
        self.sizes = [len(captions.texts[level]) for level in self.levels]
        texts = [text for level in self.levels for text in captions.texts[level]]
        self.register_buffer("tokens", torch.from_numpy(vocabulary.tokens(texts)))
        for level in self.levels:
            weight = torch.from_numpy(captions.class_weights(level))
            self.register_buffer(f"weight_{level}", weight)
        self.heads = nn.ModuleDict(
            {
                level: nn.Linear(trunk_width, size)
                for level, size in zip(self.levels, self.sizes, strict=True)
            }
        )

    def forward(self, model: CaptionModel, batch: Batch) -> Tensor:
        """Scalar loss of a batch."""
        return self.of_trunk(model, model.image.trunk(batch.views), batch)

    def of_trunk(self, model: CaptionModel, trunk: Tensor, batch: Batch) -> Tensor:
        """Scalar loss of a batch whose `(N, trunk_width)` trunk features are given."""
        image = functional.normalize(model.image.projection(trunk).float(), dim=-1)
        scale = model.log_scale.clamp(max=MAX_LOG_SCALE).exp()
        text = model.text(self.tokens).float()
        logits = (scale * image @ text.T).split(self.sizes, 1)
        loss = self._description_loss(model, image, scale, batch)
        for level, guess in zip(self.levels, logits, strict=True):
            head = self.heads[level](trunk).float()
            weight = self.get_buffer(f"weight_{level}")
            for target, share in batch.targets:
                loss = loss + share * _cross_entropy(guess, target[level], weight)
                loss = loss + 0.5 * share * _cross_entropy(head, target[level], weight)
        return loss

    def _description_loss(
        self, model: CaptionModel, image: Tensor, scale: Tensor, batch: Batch
    ) -> Tensor:
        if len(batch.described) < 2:
            return image.sum() * 0.0
        text = model.text(batch.descriptions).float()
        logits = scale * image[batch.described] @ text.T
        own = torch.arange(len(text))
        to_text = functional.cross_entropy(logits, own, label_smoothing=SMOOTHING)
        to_image = functional.cross_entropy(logits.T, own, label_smoothing=SMOOTHING)
        return 0.5 * (to_text + to_image)


def _cross_entropy(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean over the rows that have a caption; zero where none has."""
    if not bool((target >= 0).any()):
        return logits.sum() * 0.0
    return functional.cross_entropy(
        logits, target, weight, ignore_index=-1, label_smoothing=SMOOTHING
    )
