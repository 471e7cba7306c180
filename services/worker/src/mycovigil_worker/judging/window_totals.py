"""Whole-window sums in SQL: exact at any traffic, and never a row of it in memory.

Of an answer to several photos each photo counts by itself, as in the sample.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Float, case, cast, column, func, select, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from mycovigil.db.covariate import is_finite
from mycovigil.db.prediction import Prediction
from mycovigil.models.safety import CLASSES
from mycovigil.references.feature_rows import judged_by_photo, other_photos, photos_of
from mycovigil.references.window import Window
from mycovigil.vision.image.covariates import NAMES


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean and standard deviation; there is none of a single row."""

    mean: float
    deviation: float | None


@dataclass(frozen=True, slots=True)
class Totals:
    """Of the rows whose photos the reference set does not hold. ``foreign``: rows whose features
    another encoder made; ``late``: rows logged after ``late_after``; ``novel``: rows farther than
    the model's novelty threshold; ``predicted``: rows by class; ``covariates``: their moments by
    name, empty ones left out; ``known``: rows left out because the set holds their photos;
    ``pooled``: answers left out because only the mean of their photos was logged."""

    rows: int
    foreign: int
    late: int
    novel: int
    predicted: dict[str, int]
    covariates: dict[str, Moments]
    known: int = 0
    pooled: int = 0


def summed(
    session: Session,
    model_id: uuid.UUID,
    window: Window,
    *,
    encoder_id: uuid.UUID,
    reference_set_id: uuid.UUID | None,
    late_after: datetime,
    novelty: float | None,
    as_of: datetime,
) -> Totals:
    """Three passes over the window's rows, by the index on (model, time)."""
    photos = func.jsonb_array_elements(Prediction.photo_rows).table_valued(
        column("value", JSONB), name="photo"
    )
    photo = photos.c.value
    beyond = _of(photo, "distance") > (float("inf") if novelty is None else novelty)
    sums: dict[str, ColumnElement[Any]] = {
        "rows": func.count(),
        "foreign": func.count().filter(Prediction.encoder_id != encoder_id),
        "late": func.count().filter(Prediction.logged_at > late_after),
        "novel": func.count().filter(beyond),
    }
    for safety in CLASSES:
        sums[f"predicted {safety}"] = func.count().filter(_of(photo, "label") == safety)
    for name in NAMES:
        sums[f"mean {name}"] = _over(func.avg, _of(photo, name))
        sums[f"deviation {name}"] = _over(func.stddev_samp, _of(photo, name))
    here = (
        Prediction.model_id == model_id,
        Prediction.created_at >= window.start,
        Prediction.created_at < window.end,
        Prediction.logged_at <= as_of,
    )
    held = photos_of(reference_set_id)
    image = _of(photo, "image_sha256")
    rows = (
        select(*(value.label(name) for name, value in sums.items()))
        .select_from(Prediction)
        .outerjoin(photos, true())
        .where(*here, judged_by_photo())
    )
    found = session.execute(rows.where(other_photos(image, held))).mappings().one()
    known = rows.with_only_columns(func.count()).where(image.in_(held))
    pooled = select(func.count()).where(*here, ~judged_by_photo())
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
        known=session.scalar(known) or 0,
        pooled=session.scalar(pooled) or 0,
    )


def _of(photo: Any, name: str) -> ColumnElement[Any]:
    """A value of one of several photos, or that of the answer to a single one."""
    answer = getattr(Prediction, name)
    value = photo.op("->>")(name)
    return case((photo.is_(None), answer), else_=cast(value, answer.type))


def _over(figure: Any, column: Any) -> ColumnElement[float]:
    return cast(figure(cast(column, Float)).filter(is_finite(column)), Float)
