"""Silences: periods in which no alert is published. ``/v1/silences``.

An ended silence is not deleted: the alerts it held back refer to it.
"""

import datetime
import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, not_, select
from sqlalchemy.orm import Session

from mycovigil.db.alert import Silence
from mycovigil.incidents import audit
from mycovigil.problem import Problem
from mycovigil_drift import lookup
from mycovigil_drift.access import Operator, Reader
from mycovigil_drift.pagination import Page, PageQuery, fetch, shown
from mycovigil_drift.resources import models
from mycovigil_drift.session import Reading, Writing
from mycovigil_drift.words import Words

router = APIRouter(prefix="/v1/silences", tags=["silences"])


class SilenceIn(BaseModel):
    """``model_id`` empty: all models; ``starts_at`` empty: now."""

    model_config = ConfigDict(extra="forbid")
    model_id: uuid.UUID | None = None
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime
    reason: Words = Field(description="Why; stored with the silence.")


class SilenceOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    model_id: uuid.UUID | None
    starts_at: datetime.datetime
    ends_at: datetime.datetime
    reason: str
    created_by: str
    created_at: datetime.datetime


class SilenceQuery(PageQuery):
    active: bool | None = Field(None, description="Only those (not) in force now.")


def page(session: Session, query: SilenceQuery) -> tuple[list[Silence], str | None]:
    statement = select(Silence)
    if query.active is not None:
        active = in_force(_now())
        statement = statement.where(active if query.active else not_(active))
    return fetch(session, statement, (Silence.created_at, Silence.id), query)


def get(session: Session, silence_id: uuid.UUID) -> Silence:
    """One silence.

    Raises:
        Problem: 404 if there is no such silence.
    """
    return lookup.one(session, Silence, silence_id, "silence")


def of_model(session: Session, model_id: uuid.UUID, now: datetime.datetime) -> Silence | None:
    """The silence in force for a model; of several, the one that ends last."""
    return session.scalar(
        select(Silence)
        .where(in_force(now), (Silence.model_id == model_id) | Silence.model_id.is_(None))
        .order_by(Silence.ends_at.desc())
        .limit(1)
    )


def in_force(now: datetime.datetime) -> ColumnElement[bool]:
    return (Silence.starts_at <= now) & (Silence.ends_at > now)


def begin(session: Session, wanted: SilenceIn, *, who: str) -> Silence:
    """A new silence, recorded in the audit trail.

    Raises:
        Problem: 404 if there is no such model, 422 if it ends before it starts or in the past.
    """
    starts_at = wanted.starts_at or _now()
    _check(starts_at, wanted.ends_at)
    if wanted.model_id is not None:
        models.get(session, wanted.model_id)
    silence = Silence(
        model_id=wanted.model_id,
        starts_at=starts_at,
        ends_at=wanted.ends_at,
        reason=wanted.reason,
        created_by=who,
    )
    session.add(silence)
    session.flush()
    audit.record(session, who=who, action="silenced", on=silence, detail=wanted.reason)
    session.refresh(silence)
    return silence


def end(session: Session, silence_id: uuid.UUID, *, who: str) -> None:
    """End a silence now; one that has ended is left unchanged.

    Raises:
        Problem: 404 if there is no such silence.
    """
    silence = lookup.one(session, Silence, silence_id, "silence", lock=True)
    now = _now()
    if silence.ends_at <= now:
        return
    silence.ends_at = now
    silence.starts_at = min(silence.starts_at, now)
    audit.record(session, who=who, action="ended the silence", on=silence)
    session.flush()


def _check(starts_at: datetime.datetime, ends_at: datetime.datetime) -> None:
    if ends_at <= starts_at:
        detail = "The silence ends before it starts; swap the two."
        raise Problem(422, "silence-reversed", "The silence is reversed", detail)
    if ends_at <= _now():
        detail = "The silence ends in the past; give a later end."
        raise Problem(422, "silence-over", "The silence is over", detail)


def _now() -> datetime.datetime:
    return datetime.datetime.now(tz=datetime.UTC)


@router.get("", summary="Silences, newest first")
def list_silences(
    session: Reading, _: Reader, query: Annotated[SilenceQuery, Query()]
) -> Page[SilenceOut]:
    return shown(SilenceOut, page(session, query))


@router.post("", summary="Silence alerts until a moment", status_code=201)
def create_silence(
    body: SilenceIn, session: Writing, operator: Operator, response: Response
) -> SilenceOut:
    silence = begin(session, body, who=operator.name)
    response.headers["Location"] = f"/v1/silences/{silence.id}"
    return SilenceOut.model_validate(silence)


@router.get("/{silence_id}", summary="One silence")
def get_silence(silence_id: uuid.UUID, session: Reading, _: Reader) -> SilenceOut:
    return SilenceOut.model_validate(get(session, silence_id))


@router.delete("/{silence_id}", summary="End a silence now", status_code=204)
def end_silence(silence_id: uuid.UUID, session: Writing, operator: Operator) -> None:
    end(session, silence_id, who=operator.name)
