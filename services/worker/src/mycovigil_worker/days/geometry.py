"""Geometries: of an encoder's features once, of a model's predictions once."""

import uuid
from dataclasses import dataclass

import numpy as np
from sqlalchemy import case, select
from sqlalchemy.orm import Session

from mycovigil.baselines import geometries
from mycovigil.baselines.packed import Damaged, arrays_in, packed
from mycovigil.db.baseline import DayGeometry
from mycovigil.db.model import Model
from mycovigil.db.reference import ReferenceSet
from mycovigil.storage import MissingObject
from mycovigil_statistics.drift import FeatureGeometry, PredictionGeometry
from mycovigil_statistics.errors import NotFinite, SampleError
from mycovigil_worker.references import fitted as references
from mycovigil_worker.references.novelty import NoveltyScale
from mycovigil_worker.state import State

# Sets that were made of production: an encoder's geometry is learned elsewhere, if it can be.
FROM_PRODUCTION = ("production", "season", "mixture")


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """The row of an encoder's geometry, with its parts loaded; ``predictions`` is none where the
    model has no reference set to fit it on."""

    row: DayGeometry
    features: FeatureGeometry
    predictions: PredictionGeometry | None


_FEATURES: dict[str, FeatureGeometry] = {}


def ensured(state: State, model: Model, scale: NoveltyScale) -> Geometry | None:
    """The geometries for days of the model, learned and stored if they are new; none without a
    frozen reference set.

    Raises:
        SampleError: the reference set can teach none; the message says why.
        MissingObject, Damaged: the stored geometry is gone, or is not what was written.
    """
    with state.sessions() as session:
        row = geometries.of_encoder(session, model.encoder_id)
        source = None if row else training_set(session, encoder_id=model.encoder_id)
        if source is not None:
            arrays = _learned(session, source, state.settings.drift.seed).to_arrays()
    if row is None:
        if source is None:
            return None
        with state.sessions.begin() as session:
            row = geometries.store(session, state.storage, model.encoder_id, source.id, arrays)
            session.expunge(row)
    return of(state, row, model, scale)


def of(state: State, row: DayGeometry, model: Model, scale: NoveltyScale) -> Geometry:
    """Read both geometries; the model's is learned if it is new."""
    if row.sha256 not in _FEATURES:
        arrays = geometries.arrays_of(state.storage, row)
        _FEATURES[row.sha256] = FeatureGeometry.from_arrays(arrays)
    return Geometry(row, _FEATURES[row.sha256], _predictions(state, model, scale))


def training_set(
    session: Session,
    *,
    encoder_id: uuid.UUID | None = None,
    model_id: uuid.UUID | None = None,
) -> ReferenceSet | None:
    """The first frozen set of an encoder, or of a model; one that training made comes first."""
    query = select(ReferenceSet).where(ReferenceSet.frozen_at.is_not(None))
    if encoder_id is not None:
        query = query.where(ReferenceSet.encoder_id == encoder_id)
    if model_id is not None:
        query = query.where(ReferenceSet.model_id == model_id)
    made_later = case((ReferenceSet.source.in_(FROM_PRODUCTION), 1), else_=0)
    order = (made_later, ReferenceSet.frozen_at, ReferenceSet.id)
    return session.scalars(query.order_by(*order).limit(1)).first()


def _learned(session: Session, source: ReferenceSet, seed: int) -> FeatureGeometry:
    rows = references.loaded(session, source).rows
    if len(rows) and float(np.ptp(rows.features, axis=0).max()) == 0.0:
        raise NotFinite(f"all {len(rows)} rows of the reference set have the same features")
    return FeatureGeometry.fit(rows.features, rows.covariates, seed=seed)


def _predictions(state: State, model: Model, scale: NoveltyScale) -> PredictionGeometry | None:
    key = f"{geometries.FOLDER}/predictions-{model.id}-{'+'.join(scale.names)}.npz"
    try:
        return PredictionGeometry.from_arrays(arrays_in(state.storage.read(key), key))
    except (MissingObject, Damaged, KeyError):
        pass
    with state.sessions() as session:
        source = training_set(session, model_id=model.id)
        rows = references.loaded(session, source).rows if source else None
    if rows is None:
        return None
    try:
        made = PredictionGeometry.fit(rows.probabilities, scale.scores(rows))
    except SampleError:
        return None
    state.storage.write(key, packed(made.to_arrays()))
    return made
