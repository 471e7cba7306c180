"""Trains `mini` on captioned photos: one resumable loop that ends when its budget does."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from mycovigil_training.encoder.pretrain.batches import BatchMaker, ViewSettings
from mycovigil_training.encoder.pretrain.objective import CaptionObjective
from mycovigil_training.encoder.pretrain.photographs import Photographs
from mycovigil_training.encoder.pretrain.sampling import BatchSampler
from mycovigil_training.encoder.pretrain.schedule import Budget, Recipe
from mycovigil_training.encoder.pretrain.towers import MEAN, STD, Mini, MiniConfig
from mycovigil_training.encoder.weights_header import checkpoint_of

CHECKPOINT_SECONDS = 120.0


class Pretraining:
    """The state of a run: towers, objective, optimiser, average, sampler and step count."""

    def __init__(self, photos: Photographs, recipe: Recipe, config: MiniConfig) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        self.batches = BatchMaker(
            photos, ViewSettings(recipe.mixed_share, recipe.transplanted_share, MEAN, STD)
        )
        self.vocabulary = self.batches.vocabulary
        self.model = Mini(config.model_copy(update={"words": self.vocabulary.words}))
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.objective = CaptionObjective(
            self.batches.captions, self.vocabulary, self.model.image.projection.in_features
        )
        self.average = AveragedModel(
            self.model,
            avg_fn=warmed_average(recipe.averaging),
            use_buffers=True,
        )
        self.optimiser = torch.optim.AdamW(
            _decay_groups([self.model, self.objective], recipe.weight_decay),
            lr=recipe.learning_rate,
        )
        self.sampler = BatchSampler(photos, recipe.batch_size, recipe.seed)
        self.generator = torch.Generator().manual_seed(recipe.seed)
        self.step = 0

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
            self._restore(checkpoint_of(checkpoint), budget)
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
        size = self.recipe.view_size(progress)
        batch = self.batches.batch(self.sampler.draw(), size, self.generator)
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


def warmed_average(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
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
