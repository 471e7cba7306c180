"""The fine-tuning loop: epochs of steps, each epoch repeatable from the checkpoint before it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

from mycovigil_training.encoder.finetune.recipe import FinetuneRecipe
from mycovigil_training.encoder.finetune.tower import StagedTrunk, Tower
from mycovigil_training.encoder.finetune.weights import MEAN, STD
from mycovigil_training.encoder.pretrain.batches import BatchMaker, ViewSettings
from mycovigil_training.encoder.pretrain.objective import CaptionObjective
from mycovigil_training.encoder.pretrain.photographs import Photographs
from mycovigil_training.encoder.pretrain.pretraining import warmed_average
from mycovigil_training.encoder.pretrain.sampling import BatchSampler
from mycovigil_training.encoder.pretrain.towers import CaptionModel, MiniConfig, TextTower
from mycovigil_training.encoder.weights_header import checkpoint_of

CLIPPED_AT = 5.0  # norm of the gradient
EPOCHS_APART = 1_000_003  # seeds of two epochs differ by this prime
Report = Callable[[int, float], None]


class OtherRecipe(ValueError):
    """A checkpoint belongs to a run with other settings."""


class Finetuning:
    """Model, teacher, objective, optimiser, average and the number of finished epochs.

    The randomness of an epoch comes from the seed and its number alone: a resumed run draws what
    an uninterrupted one would.
    """

    def __init__(self, network: nn.Module, photos: Photographs, recipe: FinetuneRecipe) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        self.photos = photos
        self.batches = BatchMaker(
            photos, ViewSettings(recipe.mixed_share, recipe.transplanted_share, MEAN, STD)
        )
        width = int(network.num_features)  # type: ignore[arg-type]
        self.trunk = StagedTrunk(network, recipe.frozen_stages)
        self.model = _caption_model(self.trunk, width, recipe, self.batches.vocabulary.words)
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.teacher = self.trunk.frozen_copy()
        self.objective = CaptionObjective(self.batches.captions, self.batches.vocabulary, width)
        self.average = AveragedModel(self.model, avg_fn=warmed_average(recipe.averaging))
        self.optimiser = torch.optim.AdamW(_groups(self, recipe))
        self.losses: list[tuple[float, float]] = []

    @property
    def epochs(self) -> int:
        """Finished epochs."""
        return len(self.losses)

    def run(self, checkpoint: Path, report: Report) -> None:
        """Train the epochs that are missing; save after each.

        Args:
            checkpoint: Resumed from if it exists.
            report: Called after each epoch with its number, from 1, and its mean loss.
        """
        if checkpoint.exists():
            self._restore(checkpoint_of(checkpoint))
        while self.epochs < self.recipe.epochs:
            self.losses.append(self._epoch(self.epochs))
            self._save(checkpoint)
            report(self.epochs, self.losses[-1][0])

    def _epoch(self, number: int) -> tuple[float, float]:
        """Mean loss, and mean cosine distance to the teacher, of epoch `number` (from 0)."""
        recipe, seed = self.recipe, self.recipe.seed + EPOCHS_APART * number
        sampler = BatchSampler(self.photos, recipe.batch_size, seed)
        generator = torch.Generator().manual_seed(seed)
        total = torch.zeros(2)
        for step in range(recipe.steps):
            progress = (number + step / recipe.steps) / recipe.epochs
            batch = self.batches.batch(sampler.draw(), recipe.view_size(progress), generator)
            total += torch.stack(self._step(progress, batch))
        loss, distance = (total / recipe.steps).tolist()
        return loss, distance

    def _step(self, progress: float, batch: Any) -> tuple[Tensor, Tensor]:
        """One optimiser step; its loss and the distance to the teacher."""
        frozen = self._set_rates(progress)
        self.model.train()
        maps = self.trunk.lower(batch.views)
        with torch.set_grad_enabled(not frozen):
            features = self.trunk.upper(maps)
        distance = torch.zeros(())
        if not frozen:
            with torch.no_grad(), torch.autocast(maps.device.type, torch.bfloat16):
                taught = self.teacher(maps)
            distance = (1.0 - functional.cosine_similarity(features, taught.float())).mean()
        loss = self.objective.of_trunk(self.model, features, batch)
        total = loss + self.recipe.distillation * distance
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(total)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIPPED_AT)
        self.optimiser.step()
        self.average.update_parameters(self.model)
        return loss.detach(), distance.detach()

    def _set_rates(self, progress: float) -> bool:
        """Set the learning rates; returns whether the trunk stands still."""
        recipe = self.recipe
        start = recipe.head_epochs / recipe.epochs
        frozen = progress < start
        trunk = 0.0 if frozen else (progress - start) / max(1.0 - start, 1e-9)
        for group in self.optimiser.param_groups:
            if group["trunk"]:
                share = 0.0 if frozen else recipe.rate(trunk, recipe.warmup)
            else:
                share = recipe.rate(progress, recipe.warmup)
            group["lr"] = share * group["full_rate"]
        return frozen

    def averaged(self) -> CaptionModel:
        """The moving average of the weights, ready for use."""
        average = self.average.module
        assert isinstance(average, CaptionModel)
        return average.eval()

    def _save(self, path: Path) -> None:
        state = {name: getattr(self, name).state_dict() for name in _STATES}
        part = path.with_suffix(".part")
        about = {"losses": self.losses, "recipe": _comparable(self.recipe)}
        torch.save({**state, **about}, part)
        part.replace(path)

    def _restore(self, state: dict[str, Any]) -> None:
        if state["recipe"] != _comparable(self.recipe):
            raise OtherRecipe(
                "the checkpoint was made with other settings (only `epochs` may change): "
                "give another --out, or delete checkpoint.pt"
            )
        for name in _STATES:
            getattr(self, name).load_state_dict(state[name])
        self.losses = [(loss, distance) for loss, distance in state["losses"]]


def _comparable(recipe: FinetuneRecipe) -> str:
    return recipe.model_dump_json(exclude={"epochs"})


_STATES = ("model", "objective", "average", "optimiser")


def _caption_model(
    trunk: StagedTrunk, width: int, recipe: FinetuneRecipe, words: tuple[str, ...]
) -> CaptionModel:
    config = MiniConfig(
        dimension=recipe.dimension,
        text_width=recipe.text_width,
        text_layers=recipe.text_layers,
        words=words,
    )
    return CaptionModel(Tower(trunk, width, recipe.dimension), TextTower(config))


def _groups(run: Finetuning, recipe: FinetuneRecipe) -> list[dict[str, Any]]:
    """Layer-wise rates for the trunk; no weight decay for biases, norms and scales."""
    inside = {id(p) for p in run.trunk.parameters()}
    heads = [
        p
        for module in (run.model, run.objective)
        for p in module.parameters()
        if id(p) not in inside
    ]
    rated = [(heads, recipe.head_rate, recipe.head_decay, False)] + [
        (parameters, recipe.trunk_rate * share, recipe.trunk_decay, True)
        for parameters, share in run.trunk.rates(recipe.layer_decay)
    ]
    return [
        {
            "params": [p for p in parameters if (p.ndim >= 2) is matrices],
            "full_rate": rate,
            "weight_decay": decay if matrices else 0.0,
            "trunk": trunk,
        }
        for parameters, rate, decay, trunk in rated
        for matrices in (True, False)
    ]
