"""Trains `mini` on captioned photos: one resumable loop that ends when its budget does."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from mycovigil_training.encoder.pretrain.augmentation import mix, random_view, transplant
from mycovigil_training.encoder.pretrain.captions import CaptionSet, Vocabulary, captions_of
from mycovigil_training.encoder.pretrain.objective import Batch, CaptionObjective
from mycovigil_training.encoder.pretrain.photographs import Photographs
from mycovigil_training.encoder.pretrain.sampling import BatchSampler
from mycovigil_training.encoder.pretrain.schedule import Budget, Recipe
from mycovigil_training.encoder.pretrain.towers import MEAN, STD, Mini, MiniConfig

CHECKPOINT_SECONDS = 120.0


class Pretraining:
    """The state of a run: towers, objective, optimiser, average, sampler and step count."""

    def __init__(self, photos: Photographs, recipe: Recipe, config: MiniConfig) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        captions = CaptionSet.of(
            [
                captions_of(species, safety_class, rendered=bool(rendered))
                for species, safety_class, rendered in zip(
                    photos.species, photos.safety_class, photos.rendered, strict=True
                )
            ]
        )
        templates = [text for texts in captions.texts.values() for text in texts]
        self.vocabulary = Vocabulary.of([*templates, *photos.caption])
        self.model = Mini(config.model_copy(update={"words": self.vocabulary.words}))
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.objective = CaptionObjective(
            captions, self.vocabulary, self.model.image.projection.in_features
        )
        self.average = AveragedModel(
            self.model,
            avg_fn=_warmed_average(recipe.averaging),
            use_buffers=True,
        )
        self.optimiser = torch.optim.AdamW(
            _decay_groups([self.model, self.objective], recipe.weight_decay),
            lr=recipe.learning_rate,
        )
        self.sampler = BatchSampler(photos, recipe.batch_size, recipe.seed)
        self.generator = torch.Generator().manual_seed(recipe.seed)
        self.step = 0
        self._pixels = torch.from_numpy(photos.pixels)
        self._aspect = torch.from_numpy(photos.aspect)
        self._empty = torch.tensor([kind == "not_mushroom" for kind in photos.safety_class])
        self._descriptions = photos.caption
        self._captions = {level: torch.from_numpy(i) for level, i in captions.index.items()}

    def run(
        self, budget: Budget, checkpoint: Path | None, report: Callable[[float, float], None]
    ) -> None:
        """Train until the budget is spent.

        Args:
            budget: How long.
            checkpoint: Where to save every two minutes and resume from, if anywhere.
            report: Called after each step with the progress and the loss.
        """
        if checkpoint is not None and checkpoint.exists():
            self._restore(torch.load(checkpoint, weights_only=True), budget)
        saved = time.monotonic()
        while (progress := budget.progress(self.step)) < 1.0:
            report(progress, self.train_step(progress))
            if checkpoint is not None and time.monotonic() - saved > CHECKPOINT_SECONDS:
                self._save(checkpoint, budget)
                saved = time.monotonic()

    def train_step(self, progress: float) -> float:
        """One optimiser step; returns its loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.rate(progress)
        batch = self._batch(self.sampler.draw(), self.recipe.view_size(progress))
        self.model.train()
        with torch.autocast("cpu", torch.bfloat16):
            loss: Tensor = self.objective(self.model, batch)
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        self.optimiser.step()
        self.average.update_parameters(self.model)
        self.step += 1
        return float(loss.detach())

    def averaged(self) -> Mini:
        """The exponential moving average of the towers, ready for use."""
        average = self.average.module
        assert isinstance(average, Mini)
        return average.eval()

    def _batch(self, rows: NDArray[np.int64], size: int) -> Batch:
        index = torch.from_numpy(rows)
        views = random_view(self._pixels[index], self._aspect[index], size, self.generator)
        views = transplant(
            views, self._empty[index], self.recipe.transplanted_share, self.generator
        )
        views = (views - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)
        captions = {level: caption[index] for level, caption in self._captions.items()}
        targets = [(captions, 1.0)]
        described = [i for i, row in enumerate(rows) if self._descriptions[row]]
        if float(torch.rand(1, generator=self.generator)) < self.recipe.mixed_share:
            views, order, share = mix(views, self.generator)
            others = {level: caption[order] for level, caption in captions.items()}
            targets = [(captions, share), (others, 1.0 - share)]
            described = []  # a blend has no description
        tokens = self.vocabulary.tokens([self._descriptions[rows[i]] for i in described])
        return Batch(
            views.contiguous(memory_format=torch.channels_last),
            targets,
            torch.tensor(described, dtype=torch.int64),
            torch.from_numpy(tokens),
        )

    def _save(self, path: Path, budget: Budget) -> None:
        state = {
            "model": self.model.state_dict(),
            "objective": self.objective.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "sampler": self.sampler.state(),
            "generator": self.generator.get_state(),
            "step": self.step,
            "elapsed": budget.elapsed,
        }
        part = path.with_suffix(".part")
        torch.save(state, part)
        part.replace(path)

    def _restore(self, state: dict[str, Any], budget: Budget) -> None:
        self.model.load_state_dict(state["model"])
        self.objective.load_state_dict(state["objective"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.sampler.restore(state["sampler"])
        self.generator.set_state(state["generator"])
        self.step = state["step"]
        budget.spent += state["elapsed"]


def _warmed_average(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """Exponential moving average that forgets the untrained start quickly."""

    def average(mean: Tensor, value: Tensor, count: Tensor | int) -> Tensor:
        kept = min(decay, (1.0 + float(count)) / (10.0 + float(count)))
        return kept * mean + (1.0 - kept) * value

    return average


def _decay_groups(modules: list[torch.nn.Module], decay: float) -> list[dict[str, Any]]:
    """Weight decay for matrices and kernels, none for biases, norms and scales."""
    parameters = [p for module in modules for p in module.parameters()]
    return [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
