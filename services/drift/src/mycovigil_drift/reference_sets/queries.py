"""Reading reference sets and what is in them."""

import uuid
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mycovigil.db.reference import ReferenceSample, ReferenceSet
from mycovigil.vision.image.covariates import NAMES
from mycovigil_drift import lookup
from mycovigil_drift.models import queries as models
from mycovigil_drift.pagination import fetch
from mycovigil_drift.reference_sets.schemas import ReferenceSetQuery


@dataclass(frozen=True, slots=True)
class Covariate:
    """Mean and spread of one covariate over a reference set; empty where never measured."""

    name: str
    mean: float | None
    deviation: float | None


def page(session: Session, query: ReferenceSetQuery) -> tuple[list[ReferenceSet], str | None]:
    statement = select(ReferenceSet)
    if query.model is not None:
        model = models.find(session, query.model)
        statement = statement.where(ReferenceSet.model_id == model.id)
    return fetch(session, statement, (ReferenceSet.created_at, ReferenceSet.id), query)


def get(session: Session, reference_set_id: uuid.UUID) -> ReferenceSet:
    """Raises a 404 problem without one."""
    return lookup.one(session, ReferenceSet, reference_set_id, "reference set")


def classes(session: Session, reference_set_id: uuid.UUID) -> dict[str, int]:
    """Photos by true class; the empty string where the truth is not known."""
    rows = session.execute(
        select(func.coalesce(ReferenceSample.label, ""), func.count())
        .where(ReferenceSample.reference_set_id == reference_set_id)
        .group_by(ReferenceSample.label)
    )
    return {label: int(photos) for label, photos in rows}


def covariates(session: Session, reference_set_id: uuid.UUID) -> list[Covariate]:
    """Mean and standard deviation of every covariate, computed in Postgres."""
    columns = [getattr(ReferenceSample, name) for name in NAMES]
    figures = [f(column) for column in columns for f in (func.avg, func.stddev_samp)]
    values = session.execute(
        select(*figures).where(ReferenceSample.reference_set_id == reference_set_id)
    ).one()
    numbers = [None if value is None else float(value) for value in values]
    return [
        Covariate(column.key, mean, deviation)
        for column, mean, deviation in zip(columns, numbers[::2], numbers[1::2], strict=True)
    ]
