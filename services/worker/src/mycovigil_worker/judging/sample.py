"""A window's rows: a random sample by index, so that cost grows with the sample alone."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mycovigil.db.prediction import Prediction
from mycovigil.references.feature_rows import Rows, apart_from, assembled, columns, photos_of
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
) -> Rows:
    """At most ``limit`` rows of the window that were logged by ``as_of``, without the photos that
    the reference set holds.

    ``sample_key`` is uniform and independent of the row, so its smallest are a simple random
    sample; the same window read again as of the same moment gives the same rows.

    Raises:
        MixedFeatures: rows of encoders of different dimensions.
    """
    query = (
        select(*columns(Prediction))
        .where(
            Prediction.model_id == model_id,
            Prediction.created_at >= window.start,
            Prediction.created_at < window.end,
            Prediction.logged_at <= as_of,
            apart_from(Prediction, photos_of(reference_set_id)),
        )
        .order_by(Prediction.sample_key, Prediction.id)
        .limit(limit)
    )
    return assembled(session.execute(query).all())


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
