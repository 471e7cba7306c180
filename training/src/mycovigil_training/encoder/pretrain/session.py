"""One pretraining run as an operator sees it: photos in, weights and a record out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import structlog
import torch
from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.progress import Progress

from mycovigil.vision.encoder.identity import file_digest
from mycovigil.vision.encoder.training_photos import to_text
from mycovigil_training.encoder.evaluate.holdout import held_out
from mycovigil_training.encoder.pretrain.photographs import (
    Photographs,
    joined,
    read_folder,
    read_listing,
)
from mycovigil_training.encoder.pretrain.pretraining import Pretraining
from mycovigil_training.encoder.pretrain.rendered import load, render_photographs, save
from mycovigil_training.encoder.pretrain.schedule import Budget, Recipe
from mycovigil_training.encoder.pretrain.towers import MiniConfig, save_mini

log = structlog.get_logger()


class PretrainingPlan(BaseModel):
    """What `mycovigil encoder pretrain` was asked for."""

    model_config = ConfigDict(frozen=True)

    out: Path
    photos: tuple[Path, ...] = ()
    rendered: int = 9000
    seconds: float = 3600.0
    steps: int | None = None
    threads: int = 1
    seed: int = 0
    recipe: Recipe = Recipe()
    config: MiniConfig = MiniConfig()


class PretrainingRecord(BaseModel):
    """What came of it; to_text as `pretraining.json` beside the weights."""

    weights: Path
    recipe: Recipe
    real_photos: int
    rendered_photos: int
    steps: int
    views: int
    seconds: float
    loss: float


class NothingToTrainOn(ValueError):
    """Neither photo folders nor rendered photos were asked for."""


def pretrain_mini(plan: PretrainingPlan) -> PretrainingRecord:
    """Train, and write `mini.safetensors` and `pretraining.json` into `plan.out`.

    Raises:
        NothingToTrainOn: The plan names no photos at all.
        UnknownLayout: A photo folder is no dataset.
    """
    torch.set_num_threads(plan.threads)
    plan.out.mkdir(parents=True, exist_ok=True)
    photos = training_photos(plan)
    recipe = plan.recipe.model_copy(update={"seed": plan.seed})
    training = Pretraining(photos, recipe, plan.config)
    budget = Budget(plan.seconds, plan.steps)
    losses: list[float] = []
    with _progress("pretraining") as report:

        def after_step(progress: float, loss: float) -> None:
            losses.append(loss)
            report(progress, f"step {training.step}, loss {_recent(losses):.3f}")

        training.run(budget, plan.out / "checkpoint.pt", after_step)
    weights = plan.out / "mini.safetensors"
    save_mini(training.averaged(), weights, trained_on=to_text(_digests(plan)))
    record = PretrainingRecord(
        weights=weights,
        recipe=recipe,
        real_photos=int((~photos.rendered).sum()),
        rendered_photos=int(photos.rendered.sum()),
        steps=training.step,
        views=training.step * recipe.batch_size,
        seconds=budget.elapsed,
        loss=_recent(losses),
    )
    (plan.out / "pretraining.json").write_text(record.model_dump_json(indent=2) + "\n")
    return record


def training_photos(plan: PretrainingPlan) -> Photographs:
    """The training split of the folders and the simulator's photos."""
    parts = [training_split(read_folder(folder)) for folder in plan.photos]
    if plan.rendered:
        parts.append(_rendered(plan))
    if not parts:
        raise NothingToTrainOn("give --photos FOLDER or --rendered N, or both")
    return joined(parts)


def _digests(plan: PretrainingPlan) -> Iterator[str]:
    """sha256 of every real photo that is trained on."""
    for folder in plan.photos:
        listed = read_listing(folder)
        for row, held in zip(listed, held_out([row.group for row in listed]), strict=True):
            if not held:
                yield file_digest(row.path)


def training_split(photos: Photographs) -> Photographs:
    """The rows to train on: three of four species-and-days."""
    return photos.take(~held_out(photos.group))


def _recent(losses: list[float]) -> float:
    """Mean of the last fifty; NaN when a resumed run had nothing left to do."""
    return float(np.mean(losses[-50:])) if losses else float("nan")


def _rendered(plan: PretrainingPlan) -> Photographs:
    cache = plan.out / f"rendered-{plan.rendered}.npz"
    if cache.exists():
        return load(cache)
    with _progress("drawing photos") as report:
        photos = render_photographs(
            plan.rendered, lambda done: report(done / plan.rendered, f"{done} photos")
        )
    save(photos, cache)
    return photos


@contextmanager
def _progress(what: str) -> Iterator[Callable[[float, str], None]]:
    """A bar on a terminal; elsewhere a log line at each percent."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _line_each_percent(what)
        return
    with Progress(console=console) as bar:
        task = bar.add_task(what, total=1.0)

        def show(share: float, text: str) -> None:
            bar.update(task, completed=share, description=f"{what}: {text}")

        yield show


def _line_each_percent(what: str) -> Callable[[float, str], None]:
    logged = -1

    def write(share: float, text: str) -> None:
        nonlocal logged
        if int(100 * share) > logged:
            logged = int(100 * share)
            log.info(what, percent=logged, state=text)

    return write
