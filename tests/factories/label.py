"""Labels of predictions that are in the log."""

import uuid
from collections.abc import Iterable

from factories.night import Served, make_night, night_of
from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.prediction import ChosenBy, Label, Prediction
from mycovigil.models.safety import SafetyClass


def make_labels(
    session: Session,
    predictions: Iterable[uuid.UUID],
    *,
    label: SafetyClass = SafetyClass.EDIBLE,
    chosen_by: ChosenBy | None = None,
    by: str = "expert",
) -> None:
    """A certain label of each."""
    session.add_all(
        Label(
            prediction_id=identifier,
            label=label,
            confidence="certain",
            labelled_by=by,
            chosen_by=chosen_by,
        )
        for identifier in predictions
    )
    session.flush()


def make_labelled_night(session: Session, served: Served, *, night: int = 0, rows: int = 4) -> None:
    """A night whose every photo has a label, so that a retrain may learn from it."""
    window = night_of(night)
    make_night(session, served, window, rows=rows)
    inside = (Prediction.created_at >= window.start) & (Prediction.created_at < window.end)
    make_labels(session, session.scalars(select(Prediction.id).where(inside)))
