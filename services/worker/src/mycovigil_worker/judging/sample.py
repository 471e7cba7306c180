"""A window's rows: a random sample by index, so that cost grows with the sample alone."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from mycovigil.db.prediction import Prediction
from mycovigil.postgres.any_of import any_of
from mycovigil.references.each_photo import each_photo
from mycovigil.references.feature_rows import (
    IMAGE,
    SENT_AT,
    Rows,
    apart_from,
    assembled,
    columns,
    judged_by_photo,
    photos_of,
)
from mycovigil.references.window import Window
from mycovigil.settings import DriftSettings

# Of a window of several nights; more rows see no smaller a drift, for days differ by more.
MOST_ROWS = 20_000


def rows_to_read(window: Window, drift: DriftSettings) -> int:
    """How many rows of the window the test reads at most: as many a night as of a single night."""
    whole = drift.sample_rows * max(window.periods, 1)
    return max(drift.sample_rows, min(whole, MOST_ROWS))


def sampled(
    session: Session,
    model_id: uuid.UUID,
    window: Window,
    limit: int,
    as_of: datetime,
    *,
    reference_set_id: uuid.UUID,
    as_logged: bool = False,
) -> Rows:
    """The photos of at most ``limit`` answers of the window that were logged by ``as_of``, each by
    itself and once, without the photos that the reference set holds.

    ``sample_key`` is uniform and independent of the row, so its smallest are a simple random
    sample; the same window read again as of the same moment gives the same rows.

    Args:
        as_logged: rows of answers, as reports read them before photos had rows of their own.

    Raises:
        MixedFeatures: rows of encoders of different dimensions.
    """
    logged = (
        Prediction.model_id == model_id,
        Prediction.created_at >= window.start,
        Prediction.created_at < window.end,
        Prediction.logged_at <= as_of,
    )
    held = photos_of(reference_set_id)
    query = (
        select(*columns(Prediction))
        .where(*logged, apart_from(Prediction, held))
        .order_by(Prediction.sample_key, Prediction.id)
        .limit(limit)
    )
    if as_logged:
        return assembled(session.execute(query).all())
    answers: Sequence[Any] = session.execute(query.where(judged_by_photo())).all()
    if len(answers) == limit:  # the window holds more: a repeated photo is drawn more often
        answers = first_ones(session, answers, *logged)
    return assembled(each_photo(session, answers, apart_from=held))


def first_ones(session: Session, answers: Sequence[Any], *logged: ColumnElement[bool]) -> list[Any]:
    """Answers but those whose photo was sent before in the window."""
    hashes = [row[IMAGE] for row in answers]
    first = select(Prediction.image_sha256, func.min(Prediction.created_at)).where(
        *logged, Prediction.image_sha256 == any_of(hashes)
    )
    earliest = dict(session.execute(first.group_by(Prediction.image_sha256)).all())
    return [row for row in answers if row[SENT_AT] == earliest[row[IMAGE]]]


def first_row(session: Session, model_id: uuid.UUID, since: datetime) -> datetime | None:
    """When the model answered for the first time at or after ``since``."""
    return session.scalar(
        select(func.min(Prediction.created_at)).where(
            Prediction.model_id == model_id, Prediction.created_at >= since
        )
    )


def described(
    session: Session, window: Window, ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, tuple[str, str | None]]:
    """Predicted label and image key of some rows of the window."""
    rows = session.execute(
        select(Prediction.id, Prediction.label, Prediction.image_key).where(
            Prediction.id.in_(list(ids)),
            Prediction.created_at >= window.start,
            Prediction.created_at < window.end,
        )
    )
    return {identifier: (label, key) for identifier, label, key in rows}
