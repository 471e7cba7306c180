"""One training run, from a folder of photos to a registered candidate, or the first model."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from mycovigil.models import promotion
from mycovigil.models.bundle import Bundle
from mycovigil.postgres.engine import one_session
from mycovigil.settings import Settings
from mycovigil.storage import Storage
from mycovigil_training import photo_sides
from mycovigil_training.configuration import TrainConfig, compose
from mycovigil_training.dataset import curated
from mycovigil_training.dataset.curation import curate
from mycovigil_training.features.engine import Engine
from mycovigil_training.features.table import FeatureTable
from mycovigil_training.model.assembly import Parts, assemble
from mycovigil_training.model.sides import sides
from mycovigil_training.model.split import split
from mycovigil_training.register.card import with_card
from mycovigil_training.register.provenance import provenance
from mycovigil_training.register.registration import ReferenceRows, register, with_gate
from mycovigil_training.retrain import attempts
from mycovigil_training.retrain.comparison import HeldOut, compare
from mycovigil_training.retrain.opponents import opponents
from mycovigil_training.tracking.training_run import keep_run
from mycovigil_training.training_data import TrainingData, gather

DECIDED_BY = "mycovigil train"
# What a training without a database writes.
BUNDLE, FIGURES = "model.bundle", "figures.json"


@dataclass(frozen=True, slots=True)
class Trained:
    """Result of a training run: the registered model, its bundle and the gate's evidence."""

    model_id: str
    bundle: Bundle
    gate: dict[str, Any]
    promoted: bool
    seconds: float


def train(
    settings: Settings,
    folder: Path | None = None,
    *,
    overrides: Sequence[str] = (),
    promote: bool = True,
    folds: bool = False,
) -> Trained:
    """Train on ``folder`` (curated first if need be), register, and promote if it may go live.

    Args:
        folds: judge the recipe out of fold for the model card: 30 more heads are fitted.

    Raises:
        UnknownLayout, NotCurated, TooFewPhotos, BadConfiguration: the input cannot be used.
        FileNotFoundError: no such encoder.
    """
    started = time.monotonic()
    config = compose(overrides)
    engine = Engine(settings.encoder.uri)
    storage = Storage(settings.storage)
    with one_session(
        settings.database, seconds=settings.database.job_seconds
    ) as session:  # before the photos, which take long
        against = opponents(session, storage, engine.identity)
    data = gather(prepared(folder, settings), engine, config)
    with one_session(settings.database, seconds=settings.database.job_seconds) as session:
        side = photo_sides.settled(
            session,
            data.table,
            config.split.holdout,
            learned=np.isin(data.table.sha256, against.seen),
            judged=np.ones(len(data.table), dtype=bool),
        )
    parts, held = parts_of(data, engine, config, side)
    bundle = assemble(
        parts,
        config,
        identity=engine.identity,
        encoder_uri=settings.encoder.uri,
        origin={"kind": "train", **provenance(data.folder, config, overrides)},
    )
    bundle = with_card(bundle, parts.train, config, data.table if folds else None, engine.identity)
    calm = np.zeros(len(parts.holdout), dtype=bool)
    held_out = HeldOut(parts.holdout, engine, drifted=calm)
    compared = compare(bundle, held_out, against, data, config)
    rows = ReferenceRows(held, "training")
    rows = rows.chosen(config.reference_rows, config.seed).with_photos(
        storage, data.reference_photos
    )
    with one_session(settings.database, seconds=settings.database.job_seconds) as session:
        found = compared.evidence(attempts.limits_of_next(session, settings.training))
        bundle = with_gate(bundle, found)
        model = register(
            session,
            storage,
            bundle,
            engine=engine,
            parent=against.production.model if against.production else None,
            reference_rows=rows,
            seen=parts.seen,
        )
        model_id = str(model.id)
        promoted = promote and found["passed"] and _promoted(session, model.id)
    _keep(settings, bundle, data.folder)
    return Trained(model_id, bundle, found, promoted, time.monotonic() - started)


def train_to(
    settings: Settings, folder: Path | None, target: Path, *, overrides: Sequence[str] = ()
) -> Bundle:
    """As :func:`train`, into ``target`` and without a database: nothing is registered or judged by
    a gate. Sides of specimens are those that an empty database would be given.

    Raises:
        UnknownLayout, NotCurated, TooFewPhotos, BadConfiguration: the input cannot be used.
        FileNotFoundError: no such encoder.
    """
    config = compose(overrides)
    engine = Engine(settings.encoder.uri)
    data = gather(prepared(folder, settings), engine, config)
    parts, _ = first_parts_of(data, engine, config)
    bundle = assemble(
        parts,
        config,
        identity=engine.identity,
        encoder_uri=settings.encoder.uri,
        origin={"kind": "train", **provenance(data.folder, config, overrides)},
    )
    bundle = with_card(bundle, parts.train, config, data.table, engine.identity)
    target.mkdir(parents=True, exist_ok=True)
    part = target / f"{BUNDLE}.part"
    part.write_bytes(bundle.to_bytes())
    part.replace(target / BUNDLE)
    figures = bundle.meta.model_dump(mode="json", include={"metrics", "certificate", "training"})
    (target / FIGURES).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    _keep(settings, bundle, data.folder)
    return bundle


def _keep(settings: Settings, bundle: Bundle, folder: Path) -> None:
    """The model is there by now: a tracker that fails is reported, and costs no training."""
    log = structlog.get_logger("mycovigil.training")
    try:
        if place := keep_run(settings.training, bundle, folder):
            log.info("run kept", place=place)
    except Exception as error:  # W&B raises whatever its transport raises
        log.warning("run not kept", reason=str(error))


def prepared(folder: Path | None, settings: Settings) -> Path:
    """A curated folder: the one given, or one made from it where the settings say."""
    home = settings.training.dataset
    if folder is None:
        return home
    if curated.is_curated(folder):
        return folder
    report = curate(folder, home)
    structlog.get_logger("mycovigil.training").info(
        "curated", source=str(folder), target=str(home), seen=report.seen, kept=report.kept
    )
    return home


def parts_of(
    data: TrainingData, engine: Engine, config: TrainConfig, side: NDArray[np.str_]
) -> tuple[Parts, FeatureTable]:
    """The parts, and all rows that are not trained on: the reference set."""
    table = data.table
    dealt = split(table, side, config.split, judged=np.ones(len(table), dtype=bool))
    parts = Parts(
        train=table.take(dealt.train),
        views=data.views(dealt.train, engine, config),
        validation=table.take(dealt.validation),
        calibration=table.take(dealt.calibration),
        holdout=table.take(dealt.holdout),
        foreign=data.foreign,
    )
    held = np.sort(np.concatenate([dealt.validation, dealt.calibration, dealt.holdout]))
    return parts, table.take(held)


def first_parts_of(
    data: TrainingData, engine: Engine, config: TrainConfig
) -> tuple[Parts, FeatureTable]:
    """As :func:`parts_of`, by the sides that an empty database would be given."""
    every = np.ones(len(data.table), dtype=bool)
    side = sides(data.table, config.split.holdout, written={}, learned=~every, judged=every)
    return parts_of(data, engine, config, side)


def _promoted(session: Session, model_id: Any) -> bool:
    try:
        promotion.promote(session, model_id, decided_by=DECIDED_BY)
    except promotion.GateClosed as closed:
        structlog.get_logger("mycovigil.training").warning("not promoted", reason=str(closed))
        return False
    return True
