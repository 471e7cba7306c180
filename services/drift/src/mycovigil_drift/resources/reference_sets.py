"""Reference sets: frozen rows that nights are compared with. ``/v1/reference-sets``."""

import datetime
import uuid
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mycovigil.db.reference import ReferenceSample, ReferenceSet
from mycovigil.incidents import audit
from mycovigil.problem import Problem, conflict
from mycovigil.references import reference_set
from mycovigil.references.reference_set import NotUsable
from mycovigil.references.window import Window
from mycovigil.vision.image.covariates import NAMES
from mycovigil_drift import lookup
from mycovigil_drift.access import Operator, Reader
from mycovigil_drift.pagination import Page, PageQuery, fetch, shown
from mycovigil_drift.resources import models
from mycovigil_drift.session import Reading, Writing

router = APIRouter(prefix="/v1/reference-sets", tags=["reference sets"])


class ReferenceSetOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    name: str
    source: str
    model_id: uuid.UUID
    encoder_id: uuid.UUID
    content_hash: str
    rows: int
    months: list[int] | None
    recipe: dict[str, Any]
    created_at: datetime.datetime
    frozen_at: datetime.datetime | None
    retired_at: datetime.datetime | None


class ReferenceSetIn(BaseModel):
    """A calm period of production; ``months`` (1 to 12) makes the set seasonal."""

    model_config = ConfigDict(extra="forbid")
    model_id: uuid.UUID
    name: str = Field(min_length=3, max_length=100)
    since: AwareDatetime
    until: AwareDatetime
    rows: int = Field(10_000, ge=100, le=10_000, description="Most photos; drawn at random.")
    months: list[Annotated[int, Field(ge=1, le=12)]] | None = Field(None, max_length=12)
    accept_drift: bool = Field(False, description="Take it although nights of it drifted.")


class ReferenceSetQuery(PageQuery):
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Covariate:
    """Mean and standard deviation of one covariate over a reference set; ``None`` if it was never
    measured."""

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
    """One reference set.

    Raises:
        Problem: 404 if there is no such set.
    """
    return lookup.one(session, ReferenceSet, reference_set_id, "reference set")


def classes(session: Session, reference_set_id: uuid.UUID) -> dict[str, int]:
    """Number of photos by true class; ``""`` counts those without a label."""
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


def create(session: Session, wanted: ReferenceSetIn, *, who: str) -> ReferenceSet:
    """A draft, sampled from a period of production; recorded in the audit trail.

    Raises:
        Problem: 404 if there is no such model; 422 if the period is reversed, is not over, holds
            nights that drifted, or has too few photos.
    """
    if wanted.until <= wanted.since:
        detail = "The period ends before it starts; swap the two."
        raise Problem(422, "window-reversed", "The period is reversed", detail)
    try:
        made = reference_set.from_production(
            session,
            models.get(session, wanted.model_id),
            [Window(wanted.since, wanted.until)],
            name=wanted.name,
            rows=wanted.rows,
            months=wanted.months,
            accept_drift=wanted.accept_drift,
        )
    except NotUsable as reason:
        raise Problem(
            422, "reference-not-usable", "No reference set can be made of it", f"{reason}."
        ) from reason
    audit.record(session, who=who, action="made a reference set", on=made, detail=made.name)
    session.flush()
    session.refresh(made)
    return made


def freeze(session: Session, reference_set_id: uuid.UUID, *, who: str) -> ReferenceSet:
    """Make the set available for judging nights.

    Raises:
        Problem: 404 if there is no such set, 409 if it is retired or too small.
    """
    found = get(session, reference_set_id)
    try:
        reference_set.freeze(session, found, who=who)
    except NotUsable as reason:
        raise conflict("reference-not-usable", f"{reason}.") from reason
    return found


def retire(session: Session, reference_set_id: uuid.UUID, *, who: str) -> ReferenceSet:
    """Stop judging nights against the set.

    Raises:
        Problem: 404 if there is no such set.
    """
    found = get(session, reference_set_id)
    reference_set.retire(session, found, who=who)
    return found


@router.get("", summary="Reference sets, newest first")
def list_reference_sets(
    session: Reading, _: Reader, query: Annotated[ReferenceSetQuery, Query()]
) -> Page[ReferenceSetOut]:
    return shown(ReferenceSetOut, page(session, query))


@router.post("", summary="Make a draft from a period of production", status_code=201)
def create_reference_set(
    body: ReferenceSetIn, session: Writing, operator: Operator, response: Response
) -> ReferenceSetOut:
    made = create(session, body, who=operator.name)
    response.headers["Location"] = f"/v1/reference-sets/{made.id}"
    return ReferenceSetOut.model_validate(made)


@router.post("/{reference_set_id}/freeze", summary="Make it available for judging nights")
def freeze_reference_set(
    reference_set_id: uuid.UUID, session: Writing, operator: Operator
) -> ReferenceSetOut:
    return ReferenceSetOut.model_validate(freeze(session, reference_set_id, who=operator.name))


@router.post("/{reference_set_id}/retire", summary="Stop judging nights against it")
def retire_reference_set(
    reference_set_id: uuid.UUID, session: Writing, operator: Operator
) -> ReferenceSetOut:
    return ReferenceSetOut.model_validate(retire(session, reference_set_id, who=operator.name))


@router.get("/{reference_set_id}", summary="One reference set")
def get_reference_set(reference_set_id: uuid.UUID, session: Reading, _: Reader) -> ReferenceSetOut:
    return ReferenceSetOut.model_validate(get(session, reference_set_id))
