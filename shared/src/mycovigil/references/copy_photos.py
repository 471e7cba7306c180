"""Copies photos of production into a reference set."""

import uuid
from typing import Any

import numpy as np
from pgvector import HalfVector
from sqlalchemy import ColumnElement, DateTime, Integer, Text, Uuid, func, insert, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from mycovigil.db.prediction import Label, Prediction
from mycovigil.db.reference import ReferenceSample
from mycovigil.references import ground_truth
from mycovigil.references.each_photo import each_photo
from mycovigil.references.feature_rows import (
    ANSWER,
    COVARIATES,
    GROUP,
    HALFVEC_HEADER,
    IMAGE,
    IMAGE_KEY,
    PHOTO_ROWS,
    SENT_AT,
    columns,
    judged_by_photo,
    photos_of,
)
from mycovigil.vision.image.covariates import NAMES

COPIED = ("features", "probabilities", "distance", "group_key", "image_sha256", "image_key", *NAMES)


def copy_photos(
    session: Session, owner: uuid.UUID, answers: ColumnElement[bool], limit: int
) -> int:
    """Copy at most ``limit`` photos of a random choice of answers, each photo once, with the truth
    of their labels; returns how many."""
    chosen = session.execute(
        select(*columns(Prediction), _true(Label.label), _true(Label.species))
        .where(answers, judged_by_photo())
        .order_by(Prediction.sample_key, Prediction.id)
        .limit(limit)
    )
    photos = each_photo(session, chosen.all(), apart_from=photos_of(None))[:limit]
    of_several = [n for n, photo in enumerate(photos) if photo[PHOTO_ROWS] is not None]
    of_one = [n for n, photo in enumerate(photos) if photo[PHOTO_ROWS] is None]
    if of_one:
        _copy_answers(session, owner, {n: photos[n] for n in of_one})
    if of_several:
        session.execute(
            insert(ReferenceSample),
            [{"reference_set_id": owner, "ordinal": n} | _sample(photos[n]) for n in of_several],
        )
    return len(photos)


def _copy_answers(session: Session, owner: uuid.UUID, answers: dict[int, Any]) -> None:
    """Copy answers to single photos, by ordinal, inside the database."""
    rows = answers.values()
    given = (
        func.unnest(
            literal(list(answers), ARRAY(Integer)),
            literal([row[ANSWER] for row in rows], ARRAY(Uuid)),
            literal([row[SENT_AT] for row in rows], ARRAY(DateTime(timezone=True))),
            literal([row[GROUP] for row in rows], ARRAY(Text)),
        )
        .table_valued("ordinal", "id", "at", "group_key", name="given")
        .render_derived()
    )
    copied = {name: getattr(Prediction, name) for name in COPIED} | {
        "reference_set_id": literal(owner),
        "ordinal": given.c.ordinal,
        "group_key": given.c.group_key,
        "label": _true(Label.label),
        "species": _true(Label.species),
    }
    source = select(*copied.values()).where(
        Prediction.id == given.c.id, Prediction.created_at == given.c.at
    )
    session.execute(insert(ReferenceSample).from_select(list(copied), source))


def _sample(photo: Any) -> dict[str, Any]:
    """Columns of a sample; a label holds for each photo of its answer."""
    words = np.frombuffer(photo[1], dtype=">f2")[HALFVEC_HEADER:]
    covariates = photo[COVARIATES : COVARIATES + len(NAMES)]
    return {
        "features": HalfVector(words),
        "probabilities": photo[2],
        "distance": photo[3],
        "group_key": photo[GROUP],
        "image_sha256": photo[IMAGE],
        "image_key": photo[IMAGE_KEY],
        "label": photo[-2],
        "species": photo[-1],
        **dict(zip(NAMES, covariates, strict=True)),
    }


def _true(column: Any) -> Any:
    return (
        select(column)
        .where(Label.prediction_id == Prediction.id, ground_truth.trusted())
        .order_by(*ground_truth.weightiest_first())
        .limit(1)
        .scalar_subquery()
    )
