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
    sums: dict[str, ColumnElement[Any]] = {
        "rows": func.count(),
        "foreign": func.count().filter(Prediction.encoder_id != encoder_id),
        "late": func.count().filter(Prediction.logged_at > late_after),
        "novel": func.count().filter(beyond),
    }
    for safety in CLASSES:
        sums[f"predicted {safety}"] = func.count().filter(Prediction.label == safety)
    for name in NAMES:
        sums[f"mean {name}"] = _over(func.avg, getattr(Prediction, name))
        sums[f"deviation {name}"] = _over(func.stddev_samp, getattr(Prediction, name))
    query = select(*(value.label(name) for name, value in sums.items())).where(
        Prediction.model_id == model_id,
        Prediction.created_at >= window.start,
        Prediction.created_at < window.end,
        Prediction.logged_at <= as_of,
    )
    found = session.execute(query).mappings().one()
    return Totals(
        rows=found["rows"],
        foreign=found["foreign"],
        late=found["late"],
        novel=found["novel"],
        predicted={name.value: found[f"predicted {name}"] for name in CLASSES},
        covariates={
            name: Moments(found[f"mean {name}"], found[f"deviation {name}"])
            for name in NAMES
            if found[f"mean {name}"] is not None
        },
    )


def _over(figure: Any, column: Any) -> ColumnElement[float]:
    return cast(figure(cast(column, Float)).filter(is_finite(column)), Float)
