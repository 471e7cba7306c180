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

from mycovigil.models.safety import CLASSES
from mycovigil_statistics.safety.calibration import balanced_weights
from mycovigil_training import torchvision_shim
from mycovigil_training.configuration import HeadConfig


class TooFewPhotos(ValueError):
    """A class (or the training part) has no photo to learn from."""


@dataclass(frozen=True, slots=True)
class Head:
    """``weight`` (4, D), ``bias`` (4,), ``centre`` (D,): logits = weight @ (x - centre) + bias;
    ``curve`` is the validation loss of each epoch."""

    weight: NDArray[np.float64]
    bias: NDArray[np.float64]
    centre: NDArray[np.float64]
    epochs: int
    curve: tuple[float, ...] = ()

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        return (features - self.centre) @ self.weight.T + self.bias


def fit(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    validation: tuple[NDArray[np.float32], NDArray[np.int64]],
    config: HeadConfig,
    *,
    seed: int,
) -> Head:
    """Train on (N, D) rows with early stopping on the validation rows; deterministic.

    Raises:
        TooFewPhotos: a class has no training row.
    """
    absent = [name for number, name in enumerate(CLASSES) if not (labels == number).any()]
    if absent:
        raise TooFewPhotos(f"no photo to learn {', '.join(absent)} from: add some and curate again")
    centre = features.mean(axis=0, dtype=np.float64)
    spread = np.maximum(features.std(axis=0, dtype=np.float64), 1e-4)
    rows = ((features - centre) / spread, labels)
    held = ((validation[0] - centre) / spread, validation[1])
    weight, bias, curve = _train(rows, held if len(held[1]) else rows, config, seed)
    return Head(weight / spread, bias, centre, len(curve), curve)


def _train(
    rows: tuple[NDArray[Any], NDArray[Any]],
    held: tuple[NDArray[Any], NDArray[Any]],
    config: HeadConfig,
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[float, ...]]:
    torchvision_shim.make_importable()  # Lightning imports torchmetrics imports torchvision
    import lightning.pytorch as lightning
    import torch

    from mycovigil_training.head.module import LinearHead

    with quiet_lightning():
        loaders = [_loader(part) for part in (rows, held)]
        weights = torch.as_tensor(_class_weights(rows[1], config.balance), dtype=torch.float32)
        with torch.random.fork_rng(devices=[]), _one_thread():
            torch.manual_seed(seed)
            head = LinearHead(rows[0].shape[1], weights, config)
            trainer = lightning.Trainer(
                max_epochs=config.epochs,
                accelerator="cpu",
                devices=1,
                callbacks=_callbacks(config),
                logger=False,
                enable_checkpointing=False,
                enable_model_summary=False,
                enable_progress_bar=sys.stderr.isatty(),
                num_sanity_val_steps=0,
            )
            trainer.fit(head, *loaders)
    weight, bias = (part.detach().double().numpy() for part in head.best)
    return weight, bias, tuple(head.curve)


def _loader(part: tuple[NDArray[Any], NDArray[Any]]) -> Any:
    """All rows as one batch, cut from the tensors at once."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    features = torch.as_tensor(part[0], dtype=torch.float32)
    dataset = TensorDataset(features, torch.as_tensor(part[1], dtype=torch.long))
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


def _class_weights(labels: NDArray[np.int64], power: float) -> NDArray[np.float64]:
    """(4,) weight of each class, of mean 1 over the rows."""
    per_row = balanced_weights(labels, len(CLASSES), power=power)
    first = [int(np.flatnonzero(labels == number)[0]) for number in range(len(CLASSES))]
    return per_row[first]


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
