"""A candidate's and its opponents' answers to the same photos, each by its own encoder, and what
the gate says of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycovigil.models.bundle import Bundle
from mycovigil_training.configuration import TrainConfig
from mycovigil_training.features.engine import Engine
from mycovigil_training.features.extraction import extract
from mycovigil_training.features.table import FeatureTable
from mycovigil_training.model.scoring import answers
from mycovigil_training.retrain import gate
from mycovigil_training.retrain.criteria import Limits, PairedAnswers
from mycovigil_training.retrain.opponents import Opponent, Opponents
from mycovigil_training.training_data import TrainingData


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Rows that the candidate was not made with, encoded by ``engine``; ``drifted`` (N,) marks the
    labelled photos of the drifted nights."""

    rows: FeatureTable
    engine: Engine
    drifted: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Compared:
    """What a candidate and its opponents answer, before the gate judges it: that takes no time, and
    is done while no other attempt can take the same share of the year's level."""

    against: Opponents
    paired: Mapping[gate.Role, PairedAnswers]

    def evidence(self, limits: Limits) -> dict[str, Any]:
        """The gate's evidence: whom the candidate was compared with, and how it compared."""
        against = self.against
        if against.production is None:
            return gate.unopposed() | {"against": None, "first_certified": None}
        compared = {
            "against": str(against.production.model.id),
            "first_certified": str(against.first_certified) if against.first_certified else None,
        }
        if against.missing:
            return compared | gate.closed(against.missing)
        return compared | gate.judge(self.paired, limits)


def compare(
    candidate: Bundle,
    held: HeldOut,
    against: Opponents,
    data: TrainingData,
    config: TrainConfig,
) -> Compared:
    """Let the candidate and its opponents answer the held-out photos; none where a comparison
    cannot be made."""
    if against.missing:
        return Compared(against, {})
    return Compared(
        against,
        {
            role: paired_answers(candidate, held, one, data, config)
            for role, one in against.by_role.items()
        },
    )


def paired_answers(
    candidate: Bundle, held: HeldOut, against: Opponent, data: TrainingData, config: TrainConfig
) -> PairedAnswers:
    """Both models on the rows that neither they nor their encoders have seen. Where the encoders
    differ these are photos of the collection only: no others can be encoded again."""
    rows, engine = held.rows, held.engine
    fair = ~np.isin(rows.sha256, list(against.seen or ()))
    fair &= ~engine.identity.learned_from(rows.sha256.tolist())
    meta = against.bundle.meta
    registered = (meta.onnx_digest, meta.preprocessing_digest)
    same = registered == (candidate.meta.onnx_digest, candidate.meta.preprocessing_digest)
    theirs = engine if same else Engine(against.encoder.uri, registered)
    if not same:
        fair &= np.isin(rows.sha256, data.table.sha256)
        fair &= ~theirs.identity.learned_from(rows.sha256.tolist())
    rows = rows.take(fair)
    features = rows.features if same else _encoded(rows, theirs, data, config)
    return PairedAnswers(
        labels=rows.labels,
        groups=rows.groups,
        drifted=held.drifted[fair],
        candidate=answers(candidate, rows.features),
        theirs=answers(against.bundle, features),
        opponent=meta.version,
    )


def _encoded(
    rows: FeatureTable, engine: Engine, data: TrainingData, config: TrainConfig
) -> NDArray[np.float32]:
    """The rows' photos through the opponent's own encoder: two encoders are never mixed."""
    photo_of = {photo.sha256: photo for photo in data.photos}
    photos = [photo_of[digest] for digest in rows.sha256.tolist()]
    return extract(data.folder, photos, engine, batch=config.encode_batch).features
