"""Answers of a candidate and of production to the same photos, each by its own encoder."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from mycovigil.models import registry
from mycovigil.models.bundle import Bundle
from mycovigil.models.registry import Production
from mycovigil.storage import Storage
from mycovigil_training.configuration import TrainConfig
from mycovigil_training.features.engine import Engine
from mycovigil_training.features.extraction import extract
from mycovigil_training.features.table import FeatureTable
from mycovigil_training.model.scoring import answers
from mycovigil_training.retrain import training_photos
from mycovigil_training.retrain.gate import PairedAnswers
from mycovigil_training.training_data import TrainingData


@dataclass(frozen=True, slots=True)
class Incumbent:
    """The production model as a run finds it: row, bundle, and what it was trained on."""

    production: Production
    bundle: Bundle
    trained: frozenset[str]


def incumbent(session: Session, storage: Storage) -> Incumbent | None:
    """The production model with its bundle; none before the first promotion, nor while the demo
    model serves, which is nobody's opponent.

    Raises:
        BundleError, MissingObject: its stored bundle is broken or gone.
    """
    production = registry.production(session)
    if production is None or production.model.demo:
        return None
    bundle = registry.load_bundle(storage, production.model)
    return Incumbent(production, bundle, training_photos.recall(storage, bundle.meta.version))


def paired_answers(
    candidate: Bundle,
    held: FeatureTable,
    against: Incumbent,
    data: TrainingData,
    config: TrainConfig,
    *,
    engine: Engine,
    drifted: NDArray[np.bool_],
) -> PairedAnswers:
    """Both models on the ``held`` rows that neither production nor an encoder of theirs was
    trained on; ``engine``: the candidate's encoder."""
    fair = np.array([digest not in against.trained for digest in held.sha256], dtype=bool)
    fair &= ~engine.identity.learned_from(held.sha256.tolist())
    same = against.bundle.meta.onnx_digest == candidate.meta.onnx_digest
    theirs = engine if same else Engine(against.production.encoder.uri)
    if not same:
        fair &= np.isin(held.sha256, data.table.sha256)  # only these photos are at hand
        fair &= ~theirs.identity.learned_from(held.sha256.tolist())
    rows = held.take(fair)
    seen_by_production = rows.features if same else _encoded(rows, theirs, data, config)
    return PairedAnswers(
        labels=rows.labels,
        groups=rows.groups,
        drifted=drifted[fair],
        candidate=answers(candidate, rows.features),
        production=answers(against.bundle, seen_by_production),
    )


def _encoded(
    rows: FeatureTable, engine: Engine, data: TrainingData, config: TrainConfig
) -> NDArray[np.float32]:
    """The rows' photos through production's own encoder: two encoders are never mixed."""
    photo_of = {photo.sha256: photo for photo in data.photos}
    photos = [photo_of[digest] for digest in rows.sha256.tolist()]
    return extract(data.folder, photos, engine, batch=config.encode_batch).features
