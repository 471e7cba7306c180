"""The head as a Lightning module. Importing this imports torch: import it where it is used."""

import lightning.pytorch as lightning
import torch
from torch import Tensor, nn
from torch.nn import functional

from mycovigil.models.safety import CLASSES, SafetyClass
from mycovigil_training.configuration import HeadConfig

DEADLY = CLASSES.index(SafetyClass.DEADLY)
HARMLESS = [
    CLASSES.index(SafetyClass.EDIBLE),
    CLASSES.index(SafetyClass.CONDITIONALLY_EDIBLE),
]


class LinearHead(lightning.LightningModule):
    """A linear layer on standardised features; keeps the weights of its best epoch."""

    def __init__(self, dimension: int, class_weights: Tensor, config: HeadConfig) -> None:
        super().__init__()
        self.layer = nn.Linear(dimension, len(CLASSES))
        nn.init.zeros_(self.layer.weight)
        nn.init.zeros_(self.layer.bias)
        self.class_weights = class_weights
        self.config = config
        self.best_loss = float("inf")
        self.curve: list[float] = []
        self.best: tuple[Tensor, Tensor] = (self.layer.weight, self.layer.bias)

    def forward(self, features: Tensor) -> Tensor:
        logits: Tensor = self.layer(features)
        return logits

    def loss(self, features: Tensor, labels: Tensor) -> Tensor:
        """Class-balanced cross entropy, and what deadly photos give to the edible classes."""
        logits = self(features)
        plain = functional.cross_entropy(
            logits, labels, weight=self.class_weights, label_smoothing=self.config.smoothing
        )
        deadly = labels == DEADLY
        if not bool(deadly.any()):
            return plain
        fatal = torch.softmax(logits[deadly], dim=1)[:, HARMLESS].sum()
        return plain + self.config.deadly_cost * fatal / len(labels)

    def training_step(self, batch: tuple[Tensor, Tensor], _index: int) -> Tensor:
        """The loss of all rows, and the ridge as in scikit-learn's 1/C."""
        ridge = self.config.ridge * self.layer.weight.square().sum() / (2 * len(batch[1]))
        return self.loss(*batch) + ridge

    def validation_step(self, batch: tuple[Tensor, Tensor], _index: int) -> None:
        self.log("validation_loss", self.loss(*batch), on_epoch=True, batch_size=len(batch[0]))

    def on_validation_epoch_end(self) -> None:
        loss = float(self.trainer.callback_metrics["validation_loss"])
        self.curve.append(loss)
        if loss < self.best_loss:
            self.best_loss = loss
            layer = self.layer
            self.best = (layer.weight.detach().clone(), layer.bias.detach().clone())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """L-BFGS on all rows: on features as ill-conditioned as an encoder's, AdamW stopped at
        .57 macro recall where this reaches .65."""
        return torch.optim.LBFGS(
            self.parameters(),
            max_iter=self.config.iterations,
            history_size=20,
            line_search_fn="strong_wolfe",
        )
