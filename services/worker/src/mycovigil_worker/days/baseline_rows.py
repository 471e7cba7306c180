"""Rows of the baseline's own days: what the exact test compares a night with.

Read from the log while the baseline grows; stored once it stands still, so that retention takes
nothing from it.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from mycovigil.baselines.packed import Arrays, Damaged, arrays_in, packed
from mycovigil.baselines.sketches import Span
from mycovigil.db.baseline import Baseline, DayGeometry
from mycovigil.db.prediction import Prediction
from mycovigil.references.feature_rows import Rows
from mycovigil.storage import MissingObject, Storage
from mycovigil_statistics import DriftResult, FittedReference, fit
from mycovigil_statistics.errors import SampleError
from mycovigil_worker.days import encoded_anew
from mycovigil_worker.days.day_rows import DayRows, read
from mycovigil_worker.days.scoring import Scorer
from mycovigil_worker.references import fitted as references
from mycovigil_worker.references.novelty import NoveltyScale

FOLDER = "baselines"
GONE = "rows were not compared: retention took those of some days of the baseline"
# Days more unlike the baseline than this are compared by their rows as well.
ROWS_BELOW = 0.2


def key_of(baseline_id: uuid.UUID) -> str:
    """Where the rows of a baseline that stands still are stored."""
    return f"{FOLDER}/{baseline_id}/rows.npz"


@dataclass(frozen=True, slots=True, eq=False)
class RowsCompared:
    """The exact test of a night beside rows of the baseline's days: the fit and its result."""

    fitted: FittedReference
    result: DriftResult


def compared(
    night: Rows, found: DayRows, scorer: Scorer, scale: NoveltyScale, seed: int, level: float
) -> RowsCompared | None:
    """Make the exact test; none where the rows of the days are too few."""
    try:
        return tested(night, found, scorer, scale, seed, level)
    except SampleError:
        return None


def tested(
    night: Rows, found: DayRows, scorer: Scorer, scale: NoveltyScale, seed: int, level: float
) -> RowsCompared:
    """Make the exact test.

    Raises:
        SampleError: rows that no test can judge, or be learned from; the message says why.
    """
    rows = scorer.scored(found)
    fitted = fit(*rows.arrays, novelty=scale.scores(rows), groups=rows.dependent, seed=seed)
    return RowsCompared(fitted, references.judged(fitted, night, scale, seed, level=level))


def of_days(
    session: Session,
    storage: Storage,
    baseline_id: uuid.UUID,
    spans: Sequence[Span],
    as_of: datetime,
) -> DayRows | None:
    """At most 20,000 rows of the days; none where some of the days have none any more."""
    try:
        frozen = _unpacked(arrays_in(storage.read(key_of(baseline_id)), "rows of the baseline"))
        return frozen.within(spans)
    except (MissingObject, Damaged):
        pass
    baseline = session.get_one(Baseline, baseline_id)
    geometry = session.get_one(DayGeometry, baseline.geometry_id)
    if not all(_has_rows(session, geometry.encoder_id, span) for span in spans):
        return None
    return read(session, geometry.encoder_id, spans, as_of, geometry_set=geometry.reference_set_id)


def store(storage: Storage, baseline_id: uuid.UUID, found: DayRows) -> None:
    """Freeze the rows of a baseline that stands still."""
    rows = found.rows
    arrays: Arrays = {
        "features": rows.features.astype(np.float16),
        "probabilities": rows.probabilities,
        "covariates": rows.covariates,
        "distances": rows.distances,
        "groups": np.array([group or "" for group in rows.groups], np.str_),
        "answering": np.array([model.hex for model in found.answering], np.str_),
        "moments": found.moments,
    }
    storage.write(key_of(baseline_id), packed(arrays), private=True)


def _unpacked(arrays: Arrays) -> DayRows:
    count = len(arrays["features"])
    rows = Rows(
        keys=list(range(count)),
        features=arrays["features"].astype(np.float32),
        probabilities=arrays["probabilities"],
        covariates=arrays["covariates"],
        distances=arrays["distances"],
        groups=[group or None for group in arrays["groups"].tolist()],
        labels=[None] * count,
    )
    answering = [uuid.UUID(hex=model) for model in arrays["answering"].tolist()]
    return DayRows(rows, answering, arrays["moments"])


def _has_rows(session: Session, encoder_id: uuid.UUID, span: Span) -> bool:
    there = exists().where(
        Prediction.encoder_id == encoder_id,
        Prediction.created_at >= span[0],
        Prediction.created_at < span[1],
    )
    return bool(session.scalar(select(there))) or encoded_anew.has_rows(session, encoder_id, span)
