"""What is predicted: species or safety classes, their shares, and the way back to classes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from mycovigil.models.safety import CLASSES
from mycovigil_training.dataset.curated import CuratedPhoto
from mycovigil_training.finetune.config import ImbalanceConfig


class NothingToLearn(ValueError):
    """A safety class has no photo to learn from, or no photo is on one of the sides."""


@dataclass(frozen=True)
class Targets:
    """Outputs of the classifier, in order.

    Attributes:
        names: Species, or the four safety classes.
        classes: ``(K,)`` number of the safety class of each output.
        counts: ``(K,)`` training photos of each output.
    """

    names: tuple[str, ...]
    classes: tuple[int, ...]
    counts: tuple[int, ...]

    @classmethod
    def of(cls, photos: Sequence[CuratedPhoto], kind: str) -> "Targets":
        """The outputs that these training photos ask for; ``kind`` is ``species`` or ``safety``.

        Raises:
            NothingToLearn: A safety class has no photo.
        """
        number = {name.value: place for place, name in enumerate(CLASSES)}
        seen = {photo.safety_class for photo in photos}
        if absent := [name for name in number if name not in seen]:
            raise NothingToLearn(
                f"no photo to learn {', '.join(absent)} from: add some and curate again"
            )
        labels = [_name(photo, kind) for photo in photos]
        if kind == "safety":
            names = [name.value for name in CLASSES]
            found = dict(number)
        else:
            found = {_name(photo, kind): number[photo.safety_class] for photo in photos}
            names = sorted(found)
        return cls(
            tuple(names),
            tuple(found[name] for name in names),
            tuple(labels.count(name) for name in names),
        )

    def labels(self, photos: Sequence[CuratedPhoto], kind: str) -> NDArray[np.int64]:
        """``(N,)`` output of each photo; -1 for a species that was not trained on."""
        place = {name: number for number, name in enumerate(self.names)}
        return np.array([place.get(_name(photo, kind), -1) for photo in photos], dtype=np.int64)

    def weights(self, power: float) -> Tensor:
        """``(K,)`` count to minus ``power``, of mean 1 over the training photos."""
        counts = torch.tensor(self.counts, dtype=torch.float32)
        raw = counts.clamp(min=1.0) ** -power
        return raw * counts.sum() / (raw * counts).sum()

    def log_shares(self) -> Tensor:
        """``(K,)`` log of the share of each output, absent ones counted as half a photo."""
        counts = torch.tensor(self.counts, dtype=torch.float32).clamp(min=0.5)
        return (counts / counts.sum()).log()

    def class_log_probabilities(self, logits: Tensor) -> Tensor:
        """``(N, 4)``: probabilities of the outputs, summed to safety classes."""
        each = functional.log_softmax(logits.float(), dim=1)
        classes = torch.tensor(self.classes, device=logits.device)
        columns = [
            torch.logsumexp(each[:, classes == number], dim=1)
            if bool((classes == number).any())
            else each.new_full((len(each),), -torch.inf)
            for number in range(len(CLASSES))
        ]
        return torch.stack(columns, dim=1)


@dataclass(frozen=True)
class Imbalance:
    """Loss of logits under the configured answer to rare outputs; a mean over the rows, so that
    two halves of a batch average to the whole."""

    weights: Tensor
    added: Tensor

    @classmethod
    def of(cls, targets: Targets, config: ImbalanceConfig) -> "Imbalance":
        """From the counts of the training photos."""
        return cls(targets.weights(config.weighting), config.adjustment * targets.log_shares())

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Weighted cross entropy of the adjusted logits."""
        each = functional.cross_entropy(
            logits.float() + self.added.to(logits.device), labels, reduction="none"
        )
        return (self.weights.to(logits.device)[labels] * each).mean()


def _name(photo: CuratedPhoto, kind: str) -> str:
    if kind == "safety":
        return photo.safety_class
    return photo.species or f"unnamed {photo.safety_class}"
