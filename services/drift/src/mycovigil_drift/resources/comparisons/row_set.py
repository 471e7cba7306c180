"""Row sets: the rows of a night or of a reference set, and figures of a sample of them."""

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Float, Select, cast, func, select
from sqlalchemy.orm import Session

from mycovigil.baselines.sketches import Span
from mycovigil.db.base import new_id
from mycovigil.db.covariate import is_finite
from mycovigil.db.prediction import Prediction
from mycovigil.db.reference import ReferenceSample
from mycovigil.db.report import Comparison
from mycovigil.models.safety import CLASSES
from mycovigil.vision.image.covariates import NAMES
from mycovigil_drift.resources import models, reference_sets
from mycovigil_drift.resources.reports import queries as reports

# Rows that figures are computed from: the error of a mean is a fiftieth of a standard deviation.
FIGURE_ROWS = 2_000
CONFIDENCE_BINS = 10


@dataclass(frozen=True, slots=True)
class RowSet:
    """``rows`` selects all rows, in an order in which the first n are a random sample.

    ``model_id`` and ``window``, half-open, of a stretch of production; none of a reference set.
    """

    identifier: uuid.UUID
    encoder_id: uuid.UUID
    source: type[Prediction] | type[ReferenceSample]
    rows: Select[Any]
    model_id: uuid.UUID | None = None
    window: Span | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of a sample: means and standard deviations of the covariates, shares of the
    predicted classes, mean probabilities, and ``confidence``: shares of the photos whose highest
    probability lies in each of ten equal bins of [0, 1]."""

    sampled: int
    means: dict[str, float]
    deviations: dict[str, float]
    classes: dict[str, float]
    probabilities: dict[str, float]
    confidence: list[float]


def night(session: Session, report_id: uuid.UUID) -> RowSet:
    """The rows that a report judged: those of its window and of the nights pooled with it.

    Raises:
        Problem: 404 if there is no such report.
    """
    report = reports.get(session, report_id)
    start = reports.judged_from(report)
    return stretch(session, report.model_id, (start, report.window_end), report.id)


def stretch(
    session: Session, model_id: uuid.UUID, window: Span, identifier: uuid.UUID | None = None
) -> RowSet:
    """What the model answered in a window; ``identifier`` of what stands for it, if anything does.

    Raises:
        Problem: 404 if there is no such model.
    """
    rows = (
        select(Prediction)
        .where(
            Prediction.model_id == model_id,
            Prediction.created_at >= window[0],
            Prediction.created_at < window[1],
        )
        .order_by(Prediction.sample_key)
    )
    encoder_id = models.get(session, model_id).encoder_id
    return RowSet(identifier or new_id(), encoder_id, Prediction, rows, model_id, window)


def sides_of(session: Session, row: Comparison) -> tuple[RowSet, RowSet]:
    """Both sides of a comparison that somebody asked for."""
    if row.first_set_id is not None and row.second_set_id is not None:
        return reference_set(session, row.first_set_id), reference_set(session, row.second_set_id)
    assert row.model_id is not None
    spans = (row.first_start, row.first_end), (row.second_start, row.second_end)
    first, second = (
        stretch(session, row.model_id, (start, end)) for start, end in spans if start and end
    )
    return first, second


def reference_set(session: Session, reference_set_id: uuid.UUID) -> RowSet:
    """The rows of a reference set.

    Raises:
        Problem: 404 if there is no such set.
    """
    found = reference_sets.get(session, reference_set_id)
    shuffled = func.hashint4(ReferenceSample.ordinal)
    rows = (
        select(ReferenceSample)
        .where(ReferenceSample.reference_set_id == reference_set_id)
        .order_by(shuffled, ReferenceSample.ordinal)
    )
    return RowSet(reference_set_id, found.encoder_id, ReferenceSample, rows)


def figures(session: Session, row_set: RowSet) -> Figures | None:
    """Figures of at most :data:`FIGURE_ROWS` rows, computed in Postgres; ``None`` if retention
    left no row. Values that are not finite are ignored."""
    indices = range(len(CLASSES))
    source = row_set.source
    probabilities = [source.probabilities[i + 1].label(f"p{i}") for i in indices]
    covariates = [cast(getattr(source, name), Float).label(name) for name in NAMES]
    finite = row_set.rows.where(*(is_finite(source.probabilities[i + 1]) for i in indices))
    columns = finite.with_only_columns(*probabilities, *covariates)
    sample = columns.limit(FIGURE_ROWS).subquery()
    p = [sample.c[f"p{i}"] for i in indices]
    moments = [sample.c[name] for name in NAMES]
    highest = func.greatest(*p)
    bin_number = func.least(func.floor(highest * CONFIDENCE_BINS), CONFIDENCE_BINS - 1)
    values = session.execute(
        select(
            func.count(),
            *(func.avg(c).filter(is_finite(c)) for c in moments),
            *(func.stddev_samp(c).filter(is_finite(c)) for c in moments),
            *(func.count().filter(one == highest) for one in p),
            *(func.avg(one) for one in p),
            *(func.count().filter(bin_number == number) for number in range(CONFIDENCE_BINS)),
        )
    ).one()
    return _figures(list(values)) if values[0] else None


def _figures(values: list[Any]) -> Figures:
    """From the values of :func:`figures`, in the order in which they are selected."""
    rows, rest = values[0], iter(values[1:])
    names = [name.value for name in CLASSES]
    means = {name: value for name in NAMES if (value := next(rest)) is not None}
    deviations = {name: value for name in NAMES if (value := next(rest)) is not None}
    return Figures(
        sampled=rows,
        means=means,
        deviations=deviations,
        classes={name: next(rest) / rows for name in names},
        probabilities={name: float(next(rest)) for name in names},
        confidence=[next(rest) / rows for _ in range(CONFIDENCE_BINS)],
    )
