"""Baselines: the days that nights are compared with; a day withdrawn, an accepted skew.

``/v1/baselines``, and ``POST /v1/incidents/{id}/accept-skew``.
"""

import datetime
import uuid
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mycovigil.baselines import baseline as baselines
from mycovigil.baselines.baseline import NotPossible, learning
from mycovigil.db.alert import Incident, IncidentState
from mycovigil.db.baseline import Baseline, BaselineDay, BaselineReason, DaySketch, SkewAcceptance
from mycovigil.incidents import incident as incidents
from mycovigil.incidents import skew
from mycovigil.problem import conflict, not_found
from mycovigil_drift import lookup
from mycovigil_drift.access import Operator, Reader
from mycovigil_drift.pagination import Page, PageQuery, fetch
from mycovigil_drift.session import Reading, Writing
from mycovigil_drift.words import Words

router = APIRouter(tags=["baselines"])
# p-value beside the other days from which a day of a baseline that stands still is an outlier.
OUTLIER = 0.01


class BaselineOut(BaseModel):
    """``days`` count, without withdrawn ones; ``learning``: said while they are too few; since
    ``standing_since`` no day enters; ``ended_at`` is empty in the current one."""

    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    encoder_id: uuid.UUID
    started_at: datetime.datetime
    reason: BaselineReason
    incident_id: uuid.UUID | None
    accepted_by: str | None
    note: str
    standing_since: datetime.datetime | None
    ended_at: datetime.datetime | None
    days: int
    learning: str | None


class DayOut(BaseModel):
    """``outlier_p``: p-value beside the other days, ``outlier`` at .01 or below; known once the
    baseline stands still. ``photos``, ``units``: of the day's sketch."""

    model_config = ConfigDict(from_attributes=True)
    day_start: datetime.datetime
    day_end: datetime.datetime
    rule: str
    entered_at: datetime.datetime
    photos: int | None
    units: int | None
    outlier_p: float | None
    outlier: bool
    withdrawn_at: datetime.datetime | None
    withdrawn_by: str | None
    withdrawn_reason: str | None


class BaselineWithDays(BaselineOut):
    listed: list[DayOut] = Field(description="All its days in order of time, withdrawn ones too.")


class BaselineQuery(PageQuery):
    encoder_id: uuid.UUID | None = None
    current: bool | None = Field(None, description="Only those (not) compared with now.")


class WithdrawIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    day_start: AwareDatetime = Field(description="Start of the day to withdraw, as it is listed.")
    reason: Words = Field(description="Why the day is not calm; stored with it.")


class NoteIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    note: Words = Field(description="Why it may be so; stored.")


class SkewAcceptanceOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    encoder_id: uuid.UUID
    training_set_hash: str
    accepted_by: str
    note: str
    created_at: datetime.datetime


def page(session: Session, query: BaselineQuery) -> tuple[list[Baseline], str | None]:
    """Baselines, the newest first."""
    statement = select(Baseline)
    if query.encoder_id is not None:
        statement = statement.where(Baseline.encoder_id == query.encoder_id)
    if query.current is not None:
        now = Baseline.ended_at.is_(None)
        statement = statement.where(now if query.current else ~now)
    return fetch(session, statement, (Baseline.started_at, Baseline.id), query)


def described(session: Session, found: Baseline) -> BaselineOut:
    """A baseline with the number of its days."""
    counted = select(func.count()).where(
        BaselineDay.baseline_id == found.id, BaselineDay.withdrawn_at.is_(None)
    )
    return BaselineOut.model_validate(_document(found, session.scalar(counted) or 0))


def listed(session: Session, found: Baseline) -> list[DayOut]:
    """All days of a baseline in order of time, with the size of their sketches."""
    rows = session.execute(
        select(BaselineDay, DaySketch.rows, DaySketch.units)
        .outerjoin(
            DaySketch,
            (DaySketch.geometry_id == found.geometry_id)
            & DaySketch.model_id.is_(None)
            & (DaySketch.day_start == BaselineDay.day_start)
            & (DaySketch.day_end == BaselineDay.day_end),
        )
        .where(BaselineDay.baseline_id == found.id)
        .order_by(BaselineDay.day_start)
    )
    return [_day(day, photos, units) for day, photos, units in rows]


def withdraw(session: Session, baseline_id: uuid.UUID, wanted: WithdrawIn, *, who: str) -> DayOut:
    """Take a day out of a baseline, with the reason.

    Raises:
        Problem: 404 without such a baseline or day, 409 if it was withdrawn already, or the
            baseline has ended.
    """
    found = lookup.one(session, Baseline, baseline_id, "baseline")
    try:
        day = baselines.withdraw(session, found, wanted.day_start, who=who, reason=wanted.reason)
    except LookupError as error:
        raise not_found("day of this baseline that starts at", wanted.day_start) from error
    except NotPossible as reason:
        raise conflict("not-withdrawn", f"{reason}.") from reason
    return _day(day, None, None)


def accept_skew(session: Session, incident_id: uuid.UUID, *, who: str, note: str) -> SkewAcceptance:
    """Accept the skew that an incident is about; it ends, and none is opened for later heads.

    Raises:
        Problem: 404 without such an incident, 409 if it is no skew or was resolved.
    """
    unlocked = lookup.one(session, Incident, incident_id, "incident")
    incidents.locked_model(session, unlocked.model_id)
    found = lookup.one(session, Incident, incident_id, "incident", lock=True)
    if found.state == IncidentState.RESOLVED:
        raise conflict("incident-resolved", f"It is resolved already: {found.resolution}.")
    try:
        return skew.accept(session, found, who=who, note=note)
    except ValueError as reason:
        raise conflict("not-a-skew", f"{reason}.") from reason


def _document(found: Baseline, count: int) -> dict[str, object]:
    names = BaselineOut.model_fields.keys() - {"days", "learning"}
    values = {name: getattr(found, name) for name in names}
    return values | {"days": count, "learning": learning(count)}


def _day(day: BaselineDay, photos: int | None, units: int | None) -> DayOut:
    names = DayOut.model_fields.keys() - {"photos", "units", "outlier"}
    values = {name: getattr(day, name) for name in names}
    outlier = day.outlier_p is not None and day.outlier_p <= OUTLIER
    return DayOut.model_validate(values | {"photos": photos, "units": units, "outlier": outlier})


@router.get("/v1/baselines", summary="Baselines, newest first")
def list_baselines(
    session: Reading, _: Reader, query: Annotated[BaselineQuery, Query()]
) -> Page[BaselineOut]:
    rows, following = page(session, query)
    return Page(items=[described(session, row) for row in rows], next=following)


@router.get("/v1/baselines/{baseline_id}", summary="One baseline with its days")
def get_baseline(baseline_id: uuid.UUID, session: Reading, _: Reader) -> BaselineWithDays:
    found = lookup.one(session, Baseline, baseline_id, "baseline")
    described_one = described(session, found).model_dump()
    return BaselineWithDays(**described_one, listed=listed(session, found))


@router.post("/v1/baselines/{baseline_id}/withdraw", summary="Withdraw a day from a baseline")
def withdraw_day(
    baseline_id: uuid.UUID, body: WithdrawIn, session: Writing, operator: Operator
) -> DayOut:
    return withdraw(session, baseline_id, body, who=operator.name)


@router.post("/v1/incidents/{incident_id}/accept-skew", summary="Accept a skew, with a note")
def accept_skew_of(
    incident_id: uuid.UUID, body: NoteIn, session: Writing, operator: Operator
) -> SkewAcceptanceOut:
    found = accept_skew(session, incident_id, who=operator.name, note=body.note)
    return SkewAcceptanceOut.model_validate(found)
