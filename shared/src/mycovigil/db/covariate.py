"""Covariates of an image, the same columns beside every feature vector."""

from typing import Any

from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import Mapped

from mycovigil.db.base import Real


class CovariateColumns:
    """See :class:`mycovigil.vision.image.covariates.Covariates` for meanings and units."""

    brightness: Mapped[Real]
    contrast: Mapped[Real]
    sharpness: Mapped[Real]
    colour_temperature: Mapped[Real]
    saturation: Mapped[Real]
    width: Mapped[int]
    height: Mapped[int]
    jpeg_quality: Mapped[Real | None]


def is_finite(column: Any) -> ColumnElement[bool]:
    """Whether a row holds a number there: no NULL, no infinity, no NaN (Postgres takes it for the
    largest of all)."""
    return and_(column > float("-inf"), column < float("inf"))
