"""The truth of a photo from its labels: one rule, wherever labels are read."""

from typing import Any

from sqlalchemy import ColumnElement, case

from mycovigil.db.prediction import Label
from mycovigil.models.safety import CLASSES

# In the order of their weight. Guesses are not used.
CONFIDENCES = ("certain", "probable")


def trusted() -> ColumnElement[bool]:
    """The label is more than a guess."""
    return Label.confidence.in_(CONFIDENCES)


def weightiest_first() -> tuple[ColumnElement[Any], ...]:
    """Order of a photo's trusted labels, of which the first is its truth: by certainty, then the
    most dangerous class, then the newest."""
    certainty = case(_ranks(CONFIDENCES), value=Label.confidence)
    danger = case(_ranks(CLASSES), value=Label.label)
    return certainty, danger.desc(), Label.created_at.desc()


def _ranks(names: tuple[str, ...]) -> dict[str, int]:
    return {str(name): rank for rank, name in enumerate(names)}
