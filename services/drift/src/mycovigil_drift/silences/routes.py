"""``/v1/silences``: made, listed, ended. An ended silence stays on record beside its alerts."""

import datetime
import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlalchemy import not_, select

from mycovigil.db.alert import Silence
from mycovigil.problem import Problem, not_found
from mycovigil_drift.access import Operator, Reader
from mycovigil_drift.models import queries as models
from mycovigil_drift.pagination import Page, fetch
from mycovigil_drift.session import Reading, Writing
from mycovigil_drift.silences.schemas import SilenceIn, SilenceOut, SilenceQuery

router = APIRouter(prefix="/v1/silences", tags=["silences"])


@router.get("", summary="Silences, newest first")
def list_silences(
    session: Reading, _: Reader, query: Annotated[SilenceQuery, Query()]
) -> Page[SilenceOut]:
    statement = select(Silence)
    if query.active is not None:
        now = _now()
        in_force = (Silence.starts_at <= now) & (Silence.ends_at > now)
        statement = statement.where(in_force if query.active else not_(in_force))
    silences, following = fetch(session, statement, (Silence.created_at, Silence.id), query)
    return Page(items=[SilenceOut.model_validate(row) for row in silences], next=following)


@router.post("", summary="Hold alerts back for a while", status_code=201)
def create_silence(
    body: SilenceIn, session: Writing, operator: Operator, response: Response
) -> SilenceOut:
    starts_at = body.starts_at or _now()
    _check(starts_at, body.ends_at)
    if body.model_id is not None:
        models.get(session, body.model_id)
    silence = Silence(
        model_id=body.model_id,
        starts_at=starts_at,
        ends_at=body.ends_at,
        reason=body.reason,
        created_by=operator.name,
    )
    session.add(silence)
    session.flush()
    session.refresh(silence)
    response.headers["Location"] = f"/v1/silences/{silence.id}"
    return SilenceOut.model_validate(silence)


@router.get("/{silence_id}", summary="One silence")
def get_silence(silence_id: uuid.UUID, session: Reading, _: Reader) -> SilenceOut:
    silence = session.get(Silence, silence_id)
    if silence is None:
        raise not_found("silence", silence_id)
    return SilenceOut.model_validate(silence)


@router.delete("/{silence_id}", summary="End a silence now", status_code=204)
def end_silence(silence_id: uuid.UUID, session: Writing, _: Operator) -> None:
    silence = session.get(Silence, silence_id, with_for_update=True)
    if silence is None:
        raise not_found("silence", silence_id)
    now = _now()
    silence.ends_at = min(silence.ends_at, now)
    silence.starts_at = min(silence.starts_at, now)


def _check(starts_at: datetime.datetime, ends_at: datetime.datetime) -> None:
    if ends_at <= starts_at:
        detail = "The silence ends before it starts; swap the two."
        raise Problem(422, "silence-reversed", "The silence is reversed", detail)
    if ends_at <= _now():
        detail = "The silence ends in the past; give a later end."
        raise Problem(422, "silence-over", "The silence is over", detail)


def _now() -> datetime.datetime:
    return datetime.datetime.now(tz=datetime.UTC)
