"""What can be compared: a night's rows or a reference set's, with their figures from SQL."""

import uuid
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Float, Select, cast, func, literal, select
from sqlalchemy.orm import Session

from mycovigil.db.covariate import is_finite
from mycovigil.db.model import Model
from mycovigil.db.prediction import Prediction
from mycovigil.db.reference import ReferenceSample
from mycovigil.models.safety import CLASSES
from mycovigil.references.feature_rows import apart_from
from mycovigil.vision.image.covariates import NAMES
from mycovigil_drift.reference_sets import queries as reference_sets
from mycovigil_drift.reports import queries as reports

SAMPLE = 2_000
"""Rows that figures are computed from: their error is a fiftieth of a standard deviation."""
BINS = 10


@dataclass(frozen=True, slots=True)
class Side:
    """``rows`` selects all of its rows, in an order in which the first n are a random sample."""

    identifier: uuid.UUID
    encoder_id: uuid.UUID
    source: type[Prediction] | type[ReferenceSample]
    rows: Select[Any]
    photos: int

    @property
    def encoder(self) -> Any:
        """Whose features a row holds; a window may hold rows of another one than its model's."""
        return Prediction.encoder_id if self.source is Prediction else literal(self.encoder_id)

    def apart_from(self, other: "Side", most: int) -> "Side":
        """Without the photos among the first ``most`` rows of another side: what both hold would
        tell that they differ."""
        photos = other.rows.with_only_columns(other.source.image_sha256).limit(most)
        return replace(self, rows=self.rows.where(apart_from(self.source, photos)))


@dataclass(frozen=True, slots=True)
class Figures:
    """Of a sample: covariate means and deviations, shares of predicted classes, mean
    probabilities, and how the highest probability spreads over ten equal bins of [0, 1]."""

    sampled: int
    means: dict[str, float]
    deviations: dict[str, float]
    classes: dict[str, float]
    probabilities: dict[str, float]
    confidence: list[float]


def night(session: Session, report_id: uuid.UUID) -> Side:
    """The rows that a report judged: its window's, and those of the nights pooled into it.

    Raises:
        Problem: 404.
    """
    report = reports.get(session, report_id)
    encoder_id = session.scalars(select(Model.encoder_id).where(Model.id == report.model_id)).one()
    rows = (
        select(Prediction)
        .where(
            Prediction.model_id == report.model_id,
            Prediction.created_at >= reports.judged_from(report),
            Prediction.created_at < report.window_end,
        )
        .order_by(Prediction.sample_key)
    )
    return Side(report_id, encoder_id, Prediction, rows, report.rows)


def reference_set(session: Session, reference_set_id: uuid.UUID) -> Side:
    """The samples of a reference set.

    Raises:
        Problem: 404.
    """
    found = reference_sets.get(session, reference_set_id)
    shuffled = func.hashint4(ReferenceSample.ordinal)
    rows = (
        select(ReferenceSample)
        .where(ReferenceSample.reference_set_id == reference_set_id)
        .order_by(shuffled, ReferenceSample.ordinal)
    )
    return Side(reference_set_id, found.encoder_id, ReferenceSample, rows, found.rows)


def figures(session: Session, side: Side) -> Figures | None:
    """Figures of at most :data:`SAMPLE` rows; nothing where retention left none. What is not
    finite is left out."""
    places = range(len(CLASSES))
    probabilities = [side.source.probabilities[i + 1].label(f"p{i}") for i in places]
    covariates = [cast(getattr(side.source, name), Float).label(name) for name in NAMES]
    known = side.rows.where(*(is_finite(side.source.probabilities[i + 1]) for i in places))
    sample = known.with_only_columns(*probabilities, *covariates).limit(SAMPLE).subquery()
    p = [sample.c[f"p{i}"] for i in places]
    moments = [sample.c[name] for name in NAMES]
    highest = func.greatest(*p)
    place = func.least(func.floor(highest * BINS), BINS - 1)
    values = list(
        session.execute(
            select(
                func.count(),
                *(func.avg(c).filter(is_finite(c)) for c in moments),
                *(func.stddev_samp(c).filter(is_finite(c)) for c in moments),
                *(func.count().filter(one == highest) for one in p),
                *(func.avg(one) for one in p),
                *(func.count().filter(place == number) for number in range(BINS)),
            )
        ).one()
    )
    return _figures(values) if values[0] else None


def _figures(values: list[Any]) -> Figures:
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
        confidence=[next(rest) / rows for _ in range(BINS)],
    )
