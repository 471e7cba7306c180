"""The emergency stop of the product's answers. ``/v1/answer-stop``."""

import datetime
import uuid

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from mycovigil.db.model import AnswerStop
from mycovigil.models import answer_stop
from mycovigil.problem import conflict
from mycovigil_drift.access import Operator, Reader
from mycovigil_drift.session import Reading, Writing
from mycovigil_drift.words import Words

router = APIRouter(prefix="/v1/answer-stop", tags=["answer stop"])


class AnswerStopIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: Words = Field(description="Why; shown in every answer while it is in force.")


class AnswerStopEnd(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: Words = Field(description="Why it is safe again.")


class AnswerStopOut(BaseModel):
    """In force while ``ended_at`` is empty."""

    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    reason: str
    stopped_by: str
    created_at: datetime.datetime
    ended_by: str | None
    ended_reason: str | None
    ended_at: datetime.datetime | None


class AnswerStopState(BaseModel):
    """``stop``: the one in force; empty while the product answers."""

    stopped: bool
    stop: AnswerStopOut | None


def begin(session: Session, *, who: str, reason: str) -> AnswerStop:
    stop = answer_stop.begin(session, who=who, reason=reason)
    session.refresh(stop)
    return stop


def end(session: Session, *, who: str, reason: str) -> AnswerStop:
    """Let the product answer again.

    Raises:
        Problem: 409 where no stop is in force.
    """
    try:
        stop = answer_stop.end(session, who=who, reason=reason)
    except answer_stop.NotStopped as error:
        raise conflict("not-stopped", "Answers are not stopped; nothing was changed.") from error
    session.refresh(stop)
    return stop


@router.get("", summary="Whether answers are stopped")
def get_stop(session: Reading, _: Reader) -> AnswerStopState:
    stop = answer_stop.in_force(session)
    return AnswerStopState(
        stopped=stop is not None, stop=AnswerStopOut.model_validate(stop) if stop else None
    )


@router.post("", summary="Stop all answers", status_code=201)
def create_stop(body: AnswerStopIn, session: Writing, operator: Operator) -> AnswerStopOut:
    """Every answer is ``cannot_tell`` with the reason, within about a second. While a stop is in
    force, that one is returned."""
    return AnswerStopOut.model_validate(begin(session, who=operator.name, reason=body.reason))


@router.post("/end", summary="Let the product answer again")
def end_stop(body: AnswerStopEnd, session: Writing, operator: Operator) -> AnswerStopOut:
    """By the person who stopped it, or another one."""
    return AnswerStopOut.model_validate(end(session, who=operator.name, reason=body.reason))
