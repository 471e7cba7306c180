"""Kept photos of past days encoded anew by another encoder: how far it has come, and requests.

``/v1/encodings``, one an encoder.
"""

import datetime
import uuid

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.encoder import DayState, EncodedDay, Encoder
from mycovigil.problem import Problem, not_found
from mycovigil.reencoding import progress
from mycovigil.reencoding.request import NotPossible, request
from mycovigil_drift import lookup
from mycovigil_drift.access import Operator, Reader
from mycovigil_drift.session import Reading, Writing

router = APIRouter(prefix="/v1/encodings", tags=["encodings"])


class EncodingIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    encoder_id: uuid.UUID = Field(description="A registered encoder, as models name it.")
    first_day: datetime.date = Field(description="First day, UTC.")
    last_day: datetime.date = Field(description="Last day, UTC; over already.")


class EncodingOut(BaseModel):
    """``total``: answers of other encoders, of the days that have begun; ``removed``: those without
    a photo any more; ``share``: of the days, from 0 to 1."""

    model_config = ConfigDict(from_attributes=True)
    encoder_id: uuid.UUID
    name: str
    uri: str
    first_day: datetime.date
    last_day: datetime.date
    days: int
    done: int
    running: int
    failed: int
    total: int
    encoded: int
    removed: int
    undecodable: int
    share: float
    problem: str | None


class EncodedDayOut(BaseModel):
    """``attempts``: since the last batch that was written."""

    model_config = ConfigDict(from_attributes=True)
    day: datetime.date
    state: DayState
    requested_by: str
    total: int | None
    encoded: int
    removed: int
    undecodable: int
    attempts: int
    problem: str | None
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None


class EncodingWithDays(EncodingOut):
    listed: list[EncodedDayOut] = Field(description="Its days, newest first.")


class EncodingList(BaseModel):
    items: list[EncodingOut]


def get(session: Session, encoder_id: uuid.UUID) -> tuple[progress.Progress, list[EncodedDay]]:
    """How far an encoder has come, with its days, newest first.

    Raises:
        Problem: 404 where no day was asked for.
    """
    for found in progress.of_encoders(session):
        if found.encoder_id == encoder_id:
            return found, progress.days(session, encoder_id)
    raise not_found("encoding by encoder", encoder_id)


def encoders(session: Session) -> list[Encoder]:
    """Every registered encoder, newest first."""
    return list(session.scalars(select(Encoder).order_by(Encoder.created_at.desc(), Encoder.id)))


def ask(session: Session, wanted: EncodingIn, *, who: str) -> int:
    """Ask for days; returns how many are new or tried again.

    Raises:
        Problem: 404 without such an encoder, 422 for days that cannot be encoded.
    """
    encoder = lookup.one(session, Encoder, wanted.encoder_id, "encoder")
    try:
        return request(session, encoder, wanted.first_day, wanted.last_day, who=who)
    except NotPossible as reason:
        text = f"{reason}."
        raise Problem(422, "not-encodable", "These days cannot be encoded", text) from reason


@router.get("", summary="Encodings of kept photos, newest first")
def list_encodings(session: Reading, _: Reader) -> EncodingList:
    found = progress.of_encoders(session)
    return EncodingList(items=[EncodingOut.model_validate(one) for one in found])


@router.get("/{encoder_id}", summary="One encoder's days")
def get_encoding(encoder_id: uuid.UUID, session: Reading, _: Reader) -> EncodingWithDays:
    return _with_days(session, encoder_id)


@router.post("", summary="Have kept photos encoded anew", status_code=202)
def create_encoding(body: EncodingIn, session: Writing, operator: Operator) -> EncodingWithDays:
    """Days that are done stay, failed ones are tried again."""
    ask(session, body, who=operator.name)
    return _with_days(session, body.encoder_id)


def _with_days(session: Session, encoder_id: uuid.UUID) -> EncodingWithDays:
    found, days = get(session, encoder_id)
    listed = [EncodedDayOut.model_validate(day) for day in days]
    return EncodingWithDays(**EncodingOut.model_validate(found).model_dump(), listed=listed)
