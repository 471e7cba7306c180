"""One run of recipe `finetune`: curated photos in; a tower, its checkpoint and a record out.

Importing this imports Lightning, which needs `torchvision_shim.make_importable()` before: take
`finetune.recipe`.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import torch
from lightning.pytorch.callbacks import EarlyStopping, EMAWeightAveraging, ModelCheckpoint
from lightning.pytorch.strategies import DDPStrategy

from mycovigil.vision.encoder.training_photos import from_text, to_text
from mycovigil_training.encoder.tower_file import save_tower
from mycovigil_training.finetune.config import FinetuneConfig
from mycovigil_training.finetune.loaders import Parts, PhotoLoaders
from mycovigil_training.finetune.module import COST, Finetuner
from mycovigil_training.finetune.photos import Pixels
from mycovigil_training.finetune.recipe import TOWER_FILE
from mycovigil_training.finetune.record import FinetuneRecord, UnusableCheckpoint
from mycovigil_training.finetune.towers import load_tower
from mycovigil_training.head.fitting import quiet_lightning

CLIPPED_AT = 5.0  # norm of the gradient
LAST, BEST = "last", "best"  # followed by the number of the epoch
RECORD_FILE = "finetune.json"
# Settings that may differ from those of a checkpoint: they change no loss.
FREE = {"processes", "workers", "threads"}


def finetune(folder: Path, out: Path, config: FinetuneConfig) -> FinetuneRecord:
    """See `finetune.recipe`."""
    started = time.monotonic()
    torch.set_num_threads(config.threads)
    parts = Parts.of(folder, config)
    tower, known = load_tower(config.tower, config.size)
    out.mkdir(parents=True, exist_ok=True)
    before = _checked(out, config)
    torch.manual_seed(config.seed)
    module = Finetuner(tower, parts.targets, config)
    loaders = PhotoLoaders(parts, Pixels(tower.facts.image_size, tower.facts.resize), config)
    with quiet_lightning():
        trainer(out, config).fit(module, loaders, ckpt_path=before)
    last, best = (_newest(out, kind)[1] for kind in (LAST, BEST))
    module.load_state_dict(best["state_dict"])
    record = FinetuneRecord(
        config=config,
        licence=tower.facts.licence,
        photos={"training": len(parts.training), "validation": len(parts.validation)},
        outputs=len(parts.targets.names),
        epochs=last["history"],
        best_cost=min(epoch[COST] for epoch in last["history"]),
        seconds=time.monotonic() - started,
    )
    if module.global_rank == 0:
        learned = [photo.sha256 for photo in parts.training]
        name = f"{tower.facts.name}, fine-tuned"
        tower.facts = tower.facts.model_copy(update={"name": name})
        save_tower(tower, out / TOWER_FILE, trained_on=to_text({*from_text(known), *learned}))
        (out / RECORD_FILE).write_text(record.model_dump_json(indent=2) + "\n")
    return record


def trainer(out: Path, config: FinetuneConfig) -> lightning.Trainer:
    """Lightning's trainer with average, checkpoints after each epoch, and early stopping."""
    averaging = [EMAWeightAveraging(decay=config.averaging)] if config.averaging else []
    return lightning.Trainer(
        accelerator="auto" if torch.cuda.is_available() else "cpu",
        devices=config.processes,
        strategy=_strategy(config),
        precision=config.precision,
        max_epochs=config.epochs,
        limit_train_batches=config.most_steps or 1.0,
        accumulate_grad_batches=config.accumulate,
        gradient_clip_val=CLIPPED_AT,
        callbacks=[
            *averaging,
            EarlyStopping(COST, patience=config.patience, check_on_train_epoch_end=True),
            *(_checkpoints(out, name, monitor) for name, monitor in ((BEST, COST), (LAST, None))),
        ],
        logger=False,
        use_distributed_sampler=False,
        enable_model_summary=False,
        enable_progress_bar=False,
        num_sanity_val_steps=0,
    )


def _strategy(config: FinetuneConfig) -> Any:
    """In the first epochs the tower gives no gradient, which DistributedDataParallel must know.

    Lightning starts the other processes with this process's own command line.
    """
    if config.processes == 1:
        return "auto"
    return DDPStrategy(
        process_group_backend=None if torch.cuda.is_available() else "gloo",
        find_unused_parameters=config.probe_epochs > 0,
    )


def _checkpoints(out: Path, name: str, monitor: str | None) -> ModelCheckpoint:
    """The new file is written before the one before it is removed: a kill leaves one whole."""
    return ModelCheckpoint(
        out,
        filename=f"{name}-{{epoch:04d}}",
        monitor=monitor,
        auto_insert_metric_name=False,
        enable_version_counter=False,
        save_on_train_epoch_end=True,
    )


def _checked(out: Path, config: FinetuneConfig) -> Path | None:
    """The checkpoint to go on from, if there is one."""
    if not list(out.glob(f"{LAST}-*.ckpt")):
        return None
    path, state = _newest(out, LAST)
    settings = FinetuneConfig.model_validate_json(state["settings"])
    if settings.model_dump(exclude=FREE) != config.model_dump(exclude=FREE):
        raise UnusableCheckpoint(
            f"{path} was made with other settings: give another --out, or delete it"
        )
    return path


def _newest(out: Path, name: str) -> tuple[Path, dict[str, Any]]:
    """The newest checkpoint of that name that is whole, and what it holds."""
    paths = sorted(out.glob(f"{name}-*.ckpt"), reverse=True)
    trouble = ""
    for path in paths:
        try:
            return path, torch.load(path, weights_only=True, map_location="cpu")
        except Exception as error:
            trouble = str(error).partition("\n")[0]
    raise UnusableCheckpoint(
        f"no checkpoint in {out} can be read ({trouble}): delete {name}-*.ckpt"
    )
