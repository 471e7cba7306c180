"""A retrain job: the curated photos and production's labelled rows, against production."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from mycovigil.db.retrain import RetrainJob
from mycovigil.models.bundle import Bundle
from mycovigil.postgres.engine import one_session
from mycovigil.references.window import Window
from mycovigil.settings import Settings
from mycovigil.storage import Storage
from mycovigil.vision.encoder.identity import EncoderIdentity, locate
from mycovigil_training import photo_sides
from mycovigil_training.configuration import TrainConfig, compose
from mycovigil_training.features.engine import Engine
from mycovigil_training.features.table import FeatureTable, table
from mycovigil_training.model.assembly import Parts, assemble
from mycovigil_training.model.split import split, united
from mycovigil_training.register.card import with_card
from mycovigil_training.register.provenance import provenance
from mycovigil_training.register.registration import ReferenceRows, register, with_gate
from mycovigil_training.retrain import attempts, production_rows
from mycovigil_training.retrain.comparison import HeldOut, compare
from mycovigil_training.retrain.opponents import Opponents, opponents, production
from mycovigil_training.retrain.production_rows import LabelledRows
from mycovigil_training.training_data import TrainingData, gather

# Groups of the configuration that no retraining inherits.
GUARDS = ("safety",)
# Groups that an older version had: jobs and models of its time may name them.
RETIRED = ("gate",)


@dataclass(frozen=True, slots=True)
class Order:
    """What the job asks for, read in one transaction before the long work. ``registered``: the
    digests of production's encoder, whose rows are learned from. ``overrides`` are
    production's, so that a retrained model is made like the one it replaces, then the job's;
    ``new_days_since``: begin of the drift that is answered, also by production if its certificate
    is in doubt for want of labels."""

    against: Opponents
    encoder_uri: str
    registered: tuple[str, str] | None
    labelled: LabelledRows
    overrides: tuple[str, ...]
    new_days_since: datetime | None = None


def retrain(settings: Settings, job_id: uuid.UUID) -> dict[str, Any]:
    """Train, judge and register a candidate; promotion is the worker's, under its lease.

    Returns:
        ``model_id``, ``version`` and ``gate``, as the worker reads them.

    Raises:
        LookupError: no such job.
        NotCurated, TooFewPhotos, BadConfiguration: the input cannot be used.
    """
    storage = Storage(settings.storage)
    with one_session(settings.database, seconds=settings.database.job_seconds) as session:
        order = _order(session, storage, settings, job_id)
    config = compose(order.overrides)
    engine = Engine(order.encoder_uri, order.registered)
    data = gather(settings.training.dataset, engine, config)
    both = _joined(data.table, order.labelled)
    with one_session(settings.database, seconds=settings.database.job_seconds) as session:
        side = photo_sides.settled(
            session,
            both.table,
            config.split.holdout,
            learned=np.isin(both.table.sha256, order.against.seen),
            judged=both.judged,
        )
    parts, held, drifted_holdout = _parts(data, both, side, engine, config)
    if order.new_days_since is None:
        parts = replace(parts, new_days=None)
    bundle = assemble(
        parts,
        config,
        identity=engine.identity,
        encoder_uri=order.encoder_uri,
        origin={
            "kind": "retrain",
            **provenance(data.folder, config, order.overrides),
            "job": str(job_id),
            "labelled_rows": len(order.labelled.table),
        },
        new_days_since=order.new_days_since,
    )
    bundle = with_card(bundle, parts.train, config, None, engine.identity)
    held_out = HeldOut(parts.holdout, engine, drifted_holdout)
    compared = compare(bundle, held_out, order.against, data, config)
    # Never photos of the drifted days: what is normal is a person's word, or that of the gate.
    rows = ReferenceRows(held, "training")
    rows = rows.chosen(config.reference_rows, config.seed).with_photos(
        storage, data.reference_photos
    )
    with one_session(settings.database, seconds=settings.database.job_seconds) as session:
        found = compared.evidence(attempts.limits_of_next(session, settings.training))
        model = register(
            session,
            storage,
            with_gate(bundle, found),
            engine=engine,
            parent=order.against.production.model if order.against.production else None,
            reference_rows=rows,
            seen=parts.seen,
        )
        model_id = str(model.id)
    return {"model_id": model_id, "version": bundle.meta.version, "gate": found}


def _order(session: Session, storage: Storage, settings: Settings, job_id: uuid.UUID) -> Order:
    job = session.get(RetrainJob, job_id)
    if job is None:
        raise LookupError(f"there is no retrain job {job_id}")
    asked = _without(RETIRED, [str(item) for item in job.parameters.get("overrides", ())])
    current = production(session, storage)
    if current is None:
        return _without_production(settings, asked)
    inherited = _inherited(current.bundle.meta.training.get("overrides", ()))
    overrides = _latest((*inherited, *asked))
    encoder = current.encoder
    windows = production_rows.drifted_windows(session, job.incident_id)
    since = _new_days_since(windows, current.bundle)
    size = encoder.dimension
    return Order(
        against=opponents(session, storage, EncoderIdentity.read(locate(encoder.uri))),
        encoder_uri=encoder.uri,
        registered=(encoder.onnx_digest, encoder.preprocessing_digest),
        labelled=production_rows.labelled(
            session, encoder.id, windows, dimension=size, since=since
        ),
        overrides=overrides,
        new_days_since=since,
    )


def _new_days_since(windows: Sequence[Window], current: Bundle) -> datetime | None:
    """When the drift began that the job answers, or that production answered and has no claim for
    yet; the earlier one."""
    begins = [window.start for window in windows]
    if current.meta.certificate.new_days_since is not None:
        begins.append(current.meta.certificate.new_days_since)
    return min(begins, default=None)


def _inherited(overrides: Sequence[str]) -> tuple[str, ...]:
    """Production's overrides without those of ``GUARDS``: a threshold that a person loosened for
    one training is not loosened for its retrainings."""
    return _without((*GUARDS, *RETIRED), overrides)


def _without(groups: Sequence[str], overrides: Sequence[str]) -> tuple[str, ...]:
    """The overrides that touch none of these groups."""
    left_out = tuple(f"{prefix}{group}" for prefix in ("", "+", "++", "~") for group in groups)
    return tuple(item for item in overrides if not item.startswith(left_out))


def _latest(overrides: tuple[str, ...]) -> tuple[str, ...]:
    """Of two overrides of one key the later: Hydra refuses a group that is chosen twice."""
    return tuple({item.split("=", 1)[0]: item for item in overrides}.values())


def _without_production(settings: Settings, overrides: tuple[str, ...]) -> Order:
    dimension = Engine(settings.encoder.uri).identity.dimension
    none = _no_rows(dimension)
    return Order(
        against=Opponents({}),
        encoder_uri=settings.encoder.uri,
        registered=None,
        labelled=LabelledRows(none, *(np.zeros(0, dtype=bool) for _ in range(3))),
        overrides=overrides,
    )


def _no_rows(dimension: int) -> FeatureTable:
    return table([], [], [], [], [], [], dimension=dimension)


@dataclass(frozen=True, slots=True)
class Joined:
    """Photos of the collection, which come first, and labelled rows: ``judged`` (N,) marks those
    that may be judged on, ``drifted`` (N,) those of the drifted nights, ``new_days`` (N,) those
    since the drift began."""

    table: FeatureTable
    judged: NDArray[np.bool_]
    drifted: NDArray[np.bool_]
    new_days: NDArray[np.bool_]


def _joined(photos: FeatureTable, labelled: LabelledRows) -> Joined:
    """One table, in which a photo of the collection that a client sent too is one specimen."""
    both = photos.joined(labelled.table)
    collected = np.zeros(len(photos), dtype=bool)
    return Joined(
        table=replace(both, groups=united(both.groups, both.sha256)),
        judged=np.concatenate([~collected, labelled.judged]),
        drifted=np.concatenate([collected, labelled.drifted]),
        new_days=np.concatenate([collected, labelled.new_days]),
    )


def _parts(
    data: TrainingData,
    both: Joined,
    side: NDArray[np.str_],
    engine: Engine,
    config: TrainConfig,
) -> tuple[Parts, FeatureTable, NDArray[np.bool_]]:
    """Parts of photos and labelled rows; photos not trained on; which of the holdout drifted."""
    photos, table = data.table, both.table
    dealt = split(table, side, config.split, judged=both.judged)
    learned = _collected(dealt.train, photos)
    held = np.delete(np.arange(len(photos)), learned)
    return (
        Parts(
            train=table.take(dealt.train),
            views=data.views(learned, engine, config),
            validation=table.take(dealt.validation),
            calibration=table.take(dealt.calibration),
            holdout=table.take(dealt.holdout),
            foreign=data.foreign,
            new_days=both.new_days[dealt.calibration],
        ),
        photos.take(held),
        both.drifted[dealt.holdout],
    )


def _collected(rows: NDArray[np.int64], photos: FeatureTable) -> NDArray[np.int64]:
    """Those of the row numbers that are photos of the collection, which come first."""
    return rows[rows < len(photos)]
