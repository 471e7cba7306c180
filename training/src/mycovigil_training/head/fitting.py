"""Fit the head on feature rows and give it back as plain arrays."""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from mycovigil.models.bundle import summed
from mycovigil.models.safety import CLASSES
from mycovigil_statistics.safety.calibration import balanced_weights
from mycovigil_training import torchvision_shim
from mycovigil_training.configuration import HeadConfig
from mycovigil_training.head.outputs import outputs_of

# Standardised features (n, D), targets (n,) and weights (n,).
Rows = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Head:
    """``weight`` (S, D), ``bias`` (S,), ``centre`` (D,): softmax(weight @ (x - centre) + bias) are
    probabilities of the outputs, ``classes`` (S,) and ``species`` (S,) what each stands for;
    ``curve`` is the validation loss of each epoch."""

    weight: NDArray[np.float64]
    bias: NDArray[np.float64]
    centre: NDArray[np.float64]
    classes: NDArray[np.int64]
    species: tuple[str, ...]
    epochs: int
    curve: tuple[float, ...] = ()

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n, 4) logarithms of the classes' probabilities, each the sum of its species'."""
        outputs = (features - self.centre) @ self.weight.T + self.bias
        return summed(outputs, self.classes)


def fit(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    species: NDArray[np.str_],
    validation: tuple[NDArray[np.float32], NDArray[np.int64]] | None,
    config: HeadConfig,
    *,
    seed: int,
) -> Head:
    """Train on (N, D) rows with early stopping on the classes of the validation rows; without any
    for all epochs, and without a line or a bar of progress. Deterministic.

    Args:
        species: (N,) names, empty where only the class is known.
    """
    outputs = outputs_of(labels, species)
    centre = features.mean(axis=0, dtype=np.float64)
    spread = np.maximum(features.std(axis=0, dtype=np.float64), 1e-4)
    weights = outputs.weights(labels, config.balance)
    rows = ((features - centre) / spread, outputs.targets, weights)
    held = None
    if validation is not None and len(validation[1]):
        held = (
            (validation[0] - centre) / spread,
            len(outputs.classes) + validation[1],
            balanced_weights(validation[1], len(CLASSES), power=config.balance),
        )
    weight, bias, curve = _train(rows, held, outputs.classes, config, seed)
    return Head(weight / spread, bias, centre, outputs.classes, outputs.species, len(curve), curve)


def _train(
    rows: Rows,
    held: Rows | None,
    output_classes: NDArray[np.int64],
    config: HeadConfig,
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[float, ...]]:
    torchvision_shim.make_importable()  # Lightning imports torchmetrics imports torchvision
    import lightning.pytorch as lightning
    import torch

    from mycovigil_training.head.module import SpeciesHead

    with quiet_lightning():
        loaders = [part and _loader(part) for part in (rows, held)]
        with torch.random.fork_rng(devices=[]), _one_thread():
            torch.manual_seed(seed)
            head = SpeciesHead(rows[0].shape[1], torch.as_tensor(output_classes), config)
            trainer = lightning.Trainer(
                max_epochs=config.epochs,
                accelerator="cpu",
                devices=1,
                callbacks=_callbacks(config) if held else [],
                logger=False,
                enable_checkpointing=False,
                enable_model_summary=False,
                enable_progress_bar=bool(held) and sys.stderr.isatty(),
                num_sanity_val_steps=0,
            )
            trainer.fit(head, *loaders)
    weight, bias = (part.detach().double().numpy() for part in head.best)
    return weight, bias, tuple(head.curve)


def _loader(part: Rows) -> Any:
    """All rows as one batch, cut from the tensors at once."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    features, targets, weights = part
    dataset = TensorDataset(
        torch.as_tensor(features, dtype=torch.float32),
        torch.as_tensor(targets, dtype=torch.long),
        torch.as_tensor(weights, dtype=torch.float32),
    )
    return DataLoader(dataset, sampler=[range(len(dataset))], batch_size=None)


def _callbacks(config: HeadConfig) -> list[Any]:
    from lightning.pytorch.callbacks import Callback, EarlyStopping, RichProgressBar

    log = structlog.get_logger("mycovigil.training")

    class Lines(Callback):
        """A log line every ten epochs, where there is no terminal for a bar."""

        def on_validation_epoch_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
            if trainer.current_epoch % 10 == 0:
                loss = round(float(trainer.callback_metrics["validation_loss"]), 4)
                log.info("training the head", epoch=trainer.current_epoch, validation_loss=loss)

    shown = RichProgressBar() if sys.stderr.isatty() else Lines()
    return [EarlyStopping("validation_loss", patience=config.patience), shown]


@contextmanager
def _one_thread() -> Iterator[None]:
    """A layer this small runs ten times slower on several threads of a busy machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Lightning logs hardware, workers and its own products; none of it helps here."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
