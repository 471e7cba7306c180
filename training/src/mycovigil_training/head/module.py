"""The head as a Lightning module. Importing this imports torch: import it where it is used."""

import lightning.pytorch as lightning
import torch
from torch import Tensor, nn

from mycovigil.models.safety import CLASSES, SafetyClass
from mycovigil_training.configuration import HeadConfig

DEADLY = CLASSES.index(SafetyClass.DEADLY)
HARMLESS = [
    CLASSES.index(SafetyClass.EDIBLE),
    CLASSES.index(SafetyClass.CONDITIONALLY_EDIBLE),
]
Batch = tuple[Tensor, Tensor, Tensor]


class SpeciesHead(lightning.LightningModule):
    """A linear layer of S outputs on standardised features; keeps the weights of its best epoch,
    or without validation of its last.

    Batches are features (n, D), targets (n,) as in `head.outputs.Outputs`
    and weights (n,). ``output_classes`` (S,) is sorted and names every class.
    """

    def __init__(self, dimension: int, output_classes: Tensor, config: HeadConfig) -> None:
        super().__init__()
        self.layer = nn.Linear(dimension, len(output_classes))
        nn.init.zeros_(self.layer.weight)
        nn.init.zeros_(self.layer.bias)
        self.widths = torch.bincount(output_classes, minlength=len(CLASSES)).tolist()
        self.target_classes = torch.cat([output_classes, torch.arange(len(CLASSES))])
        self.config = config
        self.best_loss = float("inf")
        self.curve: list[float] = []
        # The layer's own tensors, until a validated epoch's copies take their place.
        self.best: tuple[Tensor, Tensor] = (self.layer.weight, self.layer.bias)

    def forward(self, features: Tensor) -> Tensor:
        """(n, S + 4) logarithms of the probabilities of the outputs, and of the classes: their
        sums."""
        species = torch.log_softmax(self.layer(features), dim=1)
        parts = torch.split(species, self.widths, dim=1)
        sums = [part.logsumexp(dim=1) for part in parts]
        return torch.cat([species, torch.stack(sums, dim=1)], dim=1)

    def loss(self, features: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Weighted cross entropy, and what deadly photos give to the edible classes."""
        logs = self(features)
        plain = -(weights * logs.gather(1, targets[:, None])[:, 0]).mean()
        deadly = self.target_classes[targets] == DEADLY
        fatal = logs[:, -len(CLASSES) :][deadly][:, HARMLESS].exp().sum()
        total: Tensor = plain + self.config.deadly_cost * fatal / len(targets)
        return total

    def training_step(self, batch: Batch, _index: int) -> Tensor:
        """The loss of all rows, and the ridge as in scikit-learn's 1/C."""
        ridge = self.config.ridge * self.layer.weight.square().sum() / (2 * len(batch[1]))
        return self.loss(*batch) + ridge

    def validation_step(self, batch: Batch, _index: int) -> None:
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
