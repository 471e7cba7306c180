"""Whole-window sums in SQL: exact at any traffic, and never a row of it in memory."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Float, cast, func, select
from sqlalchemy.orm import Session

from mycovigil.db.covariate import is_finite
from mycovigil.db.prediction import Prediction
from mycovigil.image.covariates import NAMES
from mycovigil.safety import CLASSES
from mycovigil.window import Window


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean and standard deviation; there is none of a single row."""

    mean: float
    deviation: float | None


@dataclass(frozen=True, slots=True)
class Totals:
    """``foreign``: rows whose features another encoder made; ``late``: rows logged after
    ``late_after``; ``novel``: rows farther than the model's novelty threshold; ``predicted``:
    rows by class; ``covariates``: their moments by name, empty ones left out."""

    rows: int
    foreign: int
    late: int
    novel: int
    predicted: dict[str, int]
    covariates: dict[str, Moments]


def summed(
    session: Session,
    model_id: uuid.UUID,
    window: Window,
    *,
    encoder_id: uuid.UUID,
    late_after: datetime,
    novelty: float | None,
    as_of: datetime,
) -> Totals:
    """One pass over the window's rows, by the index on (model, time)."""
    beyond = Prediction.distance > (float("inf") if novelty is None else novelty)
    query = select(
        func.count(),
        func.count().filter(Prediction.encoder_id != encoder_id),
        func.count().filter(Prediction.logged_at > late_after),
        func.count().filter(beyond),
        *(func.count().filter(Prediction.label == name) for name in CLASSES),
        *(_over(func.avg, getattr(Prediction, name)) for name in NAMES),
        *(_over(func.stddev_samp, getattr(Prediction, name)) for name in NAMES),
    ).where(
        Prediction.model_id == model_id,
        Prediction.created_at >= window.start,
        Prediction.created_at < window.end,
        Prediction.logged_at <= as_of,
    )
    values: list[Any] = list(session.execute(query).one())
    rows, foreign, late, novel = values[:4]
    tallies, moments = values[4 : 4 + len(CLASSES)], values[4 + len(CLASSES) :]
    pairs = zip(NAMES, moments[: len(NAMES)], moments[len(NAMES) :], strict=True)
    return Totals(
        rows=rows,
        foreign=foreign,
        late=late,
        novel=novel,
        predicted={name.value: count for name, count in zip(CLASSES, tallies, strict=True)},
        covariates={n: Moments(mean, sd) for n, mean, sd in pairs if mean is not None},
    )


def _over(figure: Any, column: Any) -> ColumnElement[float]:
    return cast(figure(cast(column, Float)).filter(is_finite(column)), Float)
