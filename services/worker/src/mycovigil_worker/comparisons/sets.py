"""Two reference sets side by side: one judged against the other, as a night would be."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from mycovigil.db.reference import ReferenceSet
from mycovigil.models.safety import CLASSES
from mycovigil.references.feature_rows import MixedFeatures, Rows
from mycovigil.references.window import Window
from mycovigil.storage import Storage
from mycovigil.vision.image.covariates import NAMES
from mycovigil_statistics.errors import SampleError
from mycovigil_worker.days.judgement import NotComparable
from mycovigil_worker.judging.judged_window import Comparison
from mycovigil_worker.judging.slices import Slices
from mycovigil_worker.judging.window_totals import Moments, Totals
from mycovigil_worker.references import fitted as references
from mycovigil_worker.references.novelty import NoveltyScale
from mycovigil_worker.report import clusters, evidence

# Comparing two sets sends no alert, so it spends nothing of the month's budget.
LEVEL = 0.05


def compared(
    session: Session, storage: Storage, first: ReferenceSet, other: ReferenceSet, *, seed: int
) -> dict[str, Any]:
    """How ``other`` differs from ``first``, in the shapes of a report.

    Raises:
        NotComparable: other encoders, or rows that no test can judge.
    """
    if first.encoder_id != other.encoder_id:
        raise NotComparable("the sets hold features of two encoders, which are never compared")
    try:
        comparison = _comparison(session, storage, first, other, seed)
    except (SampleError, MixedFeatures) as reason:
        raise NotComparable(str(reason)) from reason
    result = comparison.result
    return {
        "verdict": "drift" if result.p_value <= LEVEL else "calm",
        "p_value": result.p_value,
        "level": LEVEL,
        "rows": result.rows,
        "pool_rows": result.pool_rows,
        "reference_rows": len(comparison.reference.rows),
        "views": [asdict(view) for view in result.views],
        "covariates": evidence.covariates(comparison),
        "classes": evidence.classes(comparison),
        "clusters": clusters.changed(session, comparison),
        "warnings": evidence.warnings(comparison),
    }


def document(found: dict[str, Any]) -> dict[str, Any]:
    """The result of :func:`compared` in the shape of a comparison of two stretches: a set has no
    days, so that its photos alone are compared."""
    return {
        "p_value": found["p_value"],
        "p_days": None,
        "p_rows": found["p_value"],
        "ratio": None,
        "rank": None,
        "first_days": 0,
        "second_days": 0,
        "first_photos": found["reference_rows"],
        "second_photos": found["rows"],
        "views": found["views"],
        "notes": found["warnings"],
    }


def _comparison(
    session: Session, storage: Storage, first: ReferenceSet, other: ReferenceSet, seed: int
) -> Comparison:
    reference = references.loaded(session, first)
    rows = references.loaded(session, other, apart_from_set=first.id).rows
    scale = NoveltyScale(first.model_id)
    fitted = references.fitted(storage, reference, scale, seed)
    same = other.model_id == first.model_id  # else the distances are another model's
    result = references.judged(fitted, rows, scale if same else None, seed, level=LEVEL)
    span = Window(other.created_at, other.created_at + timedelta(microseconds=1))
    return Comparison(reference, rows, _totals(rows), span, fitted, result, Slices(), scale)


def _totals(rows: Rows) -> Totals:
    counts = np.bincount(rows.predicted, minlength=len(CLASSES)).tolist()
    known = {
        name: column[np.isfinite(column)].astype(np.float64)
        for name, column in zip(NAMES, rows.covariates.T, strict=True)
    }
    return Totals(
        rows=len(rows),
        foreign=0,
        late=0,
        novel=0,
        predicted={name.value: count for name, count in zip(CLASSES, counts, strict=True)},
        covariates={
            name: Moments(float(column.mean()), _deviation(column))
            for name, column in known.items()
            if len(column)
        },
    )


def _deviation(column: NDArray[np.float64]) -> float | None:
    return float(column.std(ddof=1)) if len(column) > 1 else None
