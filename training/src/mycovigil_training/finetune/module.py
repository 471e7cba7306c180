"""Tower and classifier as a Lightning module. Importing this imports torch."""

from typing import Any

import lightning.pytorch as lightning
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mycovigil_training.encoder.tower_file import Tower
from mycovigil_training.finetune.config import FinetuneConfig
from mycovigil_training.finetune.cost import decision_cost, expected_cost
from mycovigil_training.finetune.layers import rated_groups
from mycovigil_training.finetune.targets import Imbalance, Targets
from mycovigil_training.head.module import DEADLY, HARMLESS

COST = "validation_cost"


class Finetuner(lightning.LightningModule):
    """Names species or safety classes; the tower stands still in the first epochs.

    The classifier reads features of a fixed length, as those who use the exported tower do.
    """

    def __init__(self, tower: Tower, targets: Targets, config: FinetuneConfig) -> None:
        super().__init__()
        self.tower = tower
        self.targets = targets
        self.config = config
        self.width = tower.width
        self.head = nn.Linear(self.width, len(targets.names))
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.imbalance = Imbalance.of(targets, config.imbalance)
        self.history: list[dict[str, float]] = []
        self._seen: list[tuple[Tensor, Tensor]] = []

    def forward(self, pixels: Tensor) -> Tensor:
        """`(N, size, size, 3)` uint8 to `(N, K)` logits of the targets."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.probing):
            features = self.tower(pixels)
        logits: Tensor = self.head(functional.normalize(features, dim=1) * self.width**0.5)
        return logits

    @property
    def probing(self) -> bool:
        """Whether only the classifier learns."""
        return self.current_epoch < self.config.probe_epochs

    def loss(self, pixels: Tensor, labels: Tensor) -> Tensor:
        """Loss of the targets, and what deadly photos give to the edible classes."""
        logits = self(pixels)
        plain = self.imbalance.loss(logits, labels)
        classes = torch.tensor(self.targets.classes, device=labels.device)[labels]
        given = self.targets.class_log_probabilities(logits)[:, HARMLESS].exp().sum(dim=1)
        return plain + self.config.deadly_cost * (given * (classes == DEADLY)).mean()

    def training_step(self, batch: tuple[Tensor, Tensor], _index: int) -> Tensor:
        """Loss of a batch; the epoch's mean is logged over all processes."""
        loss = self.loss(*batch)
        self.log("training_loss", loss, on_step=False, on_epoch=True, sync_dist=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], _index: int) -> None:
        """Keeps the class probabilities; labels here are safety classes."""
        pixels, labels = batch
        found = self.targets.class_log_probabilities(self(pixels)).exp()
        self._seen.append((found.double().cpu(), labels.cpu()))

    def on_validation_epoch_end(self) -> None:
        """Log costs and macro recall of all validation photos."""
        probabilities = torch.cat([part for part, _ in self._seen]).numpy()
        labels = torch.cat([part for _, part in self._seen]).numpy()
        self._seen.clear()
        right = probabilities.argmax(axis=1) == labels
        recalls = [right[labels == number].mean() for number in np.unique(labels)]
        self.log(COST, expected_cost(probabilities, labels), sync_dist=True)
        self.log("validation_decision_cost", decision_cost(probabilities, labels), sync_dist=True)
        self.log("validation_macro_recall", float(np.mean(recalls)), sync_dist=True)

    def on_train_epoch_end(self) -> None:
        """Remember the epoch's figures; they go into checkpoint and record."""
        metrics = self.trainer.callback_metrics
        self.history.append({name: float(value) for name, value in metrics.items()})

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """The history, and the settings that made it."""
        checkpoint["history"] = self.history
        checkpoint["settings"] = self.config.model_dump_json()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """The history of the epochs that are over."""
        self.history = list(checkpoint["history"])

    def configure_optimizers(self) -> Any:
        """AdamW with layer-wise rates; linear warm-up, then half a cosine, by steps."""
        config = self.config
        optimizer = torch.optim.AdamW(self._groups())
        total = max(int(self.trainer.estimated_stepping_batches), 1)
        warm = max(round(config.warmup * total), 1)

        def share(step: int) -> float:
            if step < warm:
                return (step + 1) / warm
            return 0.5 * (1.0 + float(np.cos(np.pi * min((step - warm) / max(total - warm, 1), 1))))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def _groups(self) -> list[dict[str, Any]]:
        config = self.config
        groups: list[dict[str, Any]] = [
            {
                "params": group["params"],
                "lr": config.tower_rate * group["rate"],
                "weight_decay": group["weight_decay"],
            }
            for group in rated_groups(self.tower.body, config.layer_decay, config.weight_decay)
        ]
        head = {"params": list(self.head.parameters()), "lr": config.head_rate}
        return [*groups, {**head, "weight_decay": config.weight_decay}]
