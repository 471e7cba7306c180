"""The photos most responsible for a drift, each beside its nearest reference photos."""

import uuid
from typing import Any

from pgvector import HalfVector
from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.reference import ReferenceSample
from mycovigil_statistics import FittedReference
from mycovigil_statistics.drift.responsibility import responsible
from mycovigil_worker.judging.judged_window import Comparison
from mycovigil_worker.judging.sample import described

PHOTOS = 20
NEIGHBOURS = 3


def gathered(
    session: Session, comparison: Comparison, fitted: FittedReference, *, seed: int
) -> list[dict[str, Any]]:
    """At most 20 photos of the night, least like the reference first; of an answer one."""
    night = comparison.night
    numbers, scores = responsible(
        fitted, night.features, groups=night.dependent, count=PHOTOS, seed=seed
    )
    chosen: dict[uuid.UUID | int, tuple[int, float]] = {}
    for number, score in zip(numbers, scores, strict=True):
        chosen.setdefault(night.keys[int(number)], (int(number), float(score)))
    known = described(session, comparison.span, [k for k in chosen if isinstance(k, uuid.UUID)])
    return [
        {
            "prediction_id": str(key),
            "score": score,
            "label": known[key][0],
            "image_key": known[key][1],
            "neighbours": neighbours(session, comparison, number),
        }
        for key, (number, score) in chosen.items()
        if isinstance(key, uuid.UUID) and key in known
    ]


def neighbours(session: Session, comparison: Comparison, number: int) -> list[dict[str, Any]]:
    """Nearest reference photos by cosine distance, in the database (pgvector)."""
    vector = HalfVector(comparison.night.features[number].tolist())
    rows = session.execute(
        select(
            ReferenceSample.ordinal,
            ReferenceSample.species,
            ReferenceSample.label,
            ReferenceSample.image_key,
        )
        .where(ReferenceSample.reference_set_id == comparison.reference.identifier)
        .order_by(ReferenceSample.features.cosine_distance(vector))
        .limit(NEIGHBOURS)
    )
    return [
        {"ordinal": ordinal, "species": species, "label": label, "image_key": key}
        for ordinal, species, label, key in rows
    ]
