"""Rows of days whose kept photos were encoded anew: what other encoders answered, with the features
of this one. Only of days (UTC) that are done: a sketch, once stored, does not change."""

import datetime
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    exists,
    func,
    literal,
    null,
    select,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from mycovigil.baselines.baseline import current_of_others
from mycovigil.baselines.sketches import Span
from mycovigil.db.encoder import DayState, EncodedDay, EncodedPhoto
from mycovigil.db.prediction import Prediction
from mycovigil.references.feature_rows import COVARIATES, PHOTO_ROWS, PHOTOS, columns
from mycovigil.vision.image.covariates import NAMES

FEATURES = 1
DAY = datetime.timedelta(days=1)


def done(session: Session, encoder_id: uuid.UUID, spans: Sequence[Span]) -> list[Span]:
    """The parts of the spans that lie in days that are done."""
    if not spans:
        return []
    first, last = min(start for start, _ in spans), max(end for _, end in spans)
    days = session.scalars(
        select(EncodedDay.day)
        .where(
            EncodedDay.encoder_id == encoder_id,
            EncodedDay.state == DayState.DONE,
            EncodedDay.day.between(_date(first), _date(last)),
        )
        .order_by(EncodedDay.day)
    )
    midnights = [
        datetime.datetime.combine(day, datetime.time(), tzinfo=datetime.UTC) for day in days
    ]
    parts = [
        (max(start, midnight), min(end, midnight + DAY))
        for midnight in midnights
        for start, end in spans
    ]
    return [(start, end) for start, end in parts if start < end]


def covered(session: Session, encoder_id: uuid.UUID, span: Span) -> bool:
    """Whether days that are done hold the whole span."""
    parts = done(session, encoder_id, [span])
    return sum((end - start for start, end in parts), datetime.timedelta()) == span[1] - span[0]


def selected(encoder_id: uuid.UUID, as_of: datetime.datetime, *more: Any) -> Select[Any]:
    """A select of ``feature_rows.columns(Prediction)`` and ``more``, of photos that were encoded
    anew by ``as_of``: each the first of its answer, and by itself."""
    found = list(columns(Prediction))
    found[FEATURES] = func.halfvec_send(EncodedPhoto.features)
    for number, name in enumerate(NAMES):
        if hasattr(EncodedPhoto, name):
            found[COVARIATES + number] = getattr(EncodedPhoto, name)
    found[PHOTOS] = literal(1, Integer)
    found[PHOTO_ROWS] = type_coerce(null(), JSONB)
    return (
        select(*found, *more)
        .join(EncodedPhoto, _same_answer(encoder_id))
        .where(Prediction.encoder_id != encoder_id, EncodedPhoto.encoded_at <= as_of)
    )


def has_rows(session: Session, encoder_id: uuid.UUID, span: Span) -> bool:
    """Whether there is a photo that was encoded anew in the span."""
    if not covered(session, encoder_id, span):
        return False
    there = exists().where(
        EncodedPhoto.encoder_id == encoder_id,
        EncodedPhoto.created_at >= span[0],
        EncodedPhoto.created_at < span[1],
    )
    return bool(session.scalar(select(there)))


def accepted(
    session: Session, encoder_id: uuid.UUID, before: datetime.datetime, most: int
) -> list[Span]:
    """The newest days before ``before`` that count in current baselines of other encoders, and
    were encoded anew whole; in order."""
    days = current_of_others(session, encoder_id, before)
    found = [span for span in days if covered(session, encoder_id, span)]
    return sorted(found)[-most:]


def is_encoded(encoder_id: uuid.UUID) -> ColumnElement[bool]:
    """Whether the photo of an answer has features of the encoder."""
    return exists().where(_same_answer(encoder_id))


def _same_answer(encoder_id: uuid.UUID) -> ColumnElement[bool]:
    return and_(
        EncodedPhoto.created_at == Prediction.created_at,
        EncodedPhoto.prediction_id == Prediction.id,
        EncodedPhoto.encoder_id == encoder_id,
    )


def _date(moment: datetime.datetime) -> datetime.date:
    return moment.astimezone(datetime.UTC).date()
