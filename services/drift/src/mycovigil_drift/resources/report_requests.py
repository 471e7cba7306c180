"""Requests for a report: a window to judge now. ``POST /v1/reports``, ``/v1/report-requests``.

A request is a row; it wakes the worker, which judges its window.
"""

import datetime
import uuid

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mycovigil.db.base import new_id
from mycovigil.db.report import ReportRequest
from mycovigil.events import wake
from mycovigil.incidents import audit
from mycovigil.problem import Problem
from mycovigil_drift import lookup
from mycovigil_drift.access import Operator, Reader
from mycovigil_drift.resources import models
from mycovigil_drift.session import Reading, Writing

router = APIRouter(tags=["reports"])


class ReportRequestIn(BaseModel):
    """A window to judge now; half-open, UTC or with an offset."""

    model_config = ConfigDict(extra="forbid")
    model_id: uuid.UUID
    window_start: AwareDatetime
    window_end: AwareDatetime


class ReportRequestOut(BaseModel):
    """``state``: ``waiting``, ``done`` (see ``report_id``) or ``failed`` (see ``problem``)."""

    id: uuid.UUID
    state: str
    model_id: uuid.UUID
    window_start: datetime.datetime
    window_end: datetime.datetime
    requested_by: str
    created_at: datetime.datetime
    handled_at: datetime.datetime | None
    report_id: uuid.UUID | None
    problem: str | None

    @classmethod
    def of(cls, row: ReportRequest) -> "ReportRequestOut":
        columns = cls.model_fields.keys() - {"state"}
        return cls(state=_state(row), **{name: getattr(row, name) for name in columns})


def request_report(session: Session, wanted: ReportRequestIn, *, who: str) -> ReportRequest:
    """The waiting request for a window; it is made, and recorded in the audit trail, if there is
    none.

    Raises:
        Problem: 404 if there is no such model, 422 if the window is reversed or not over.
    """
    _check(wanted)
    models.get(session, wanted.model_id)
    window = wanted.model_dump()
    identifier = new_id()
    row = session.scalars(
        # An update that changes nothing: unlike DO NOTHING it locks and returns the waiting row,
        # which the worker could otherwise handle between two statements.
        insert(ReportRequest)
        .values(id=identifier, requested_by=who, **window)
        .on_conflict_do_update(
            index_elements=list(window),
            index_where=ReportRequest.handled_at.is_(None),
            set_={"requested_by": ReportRequest.requested_by},
        )
        .returning(ReportRequest)
    ).one()
    if row.id == identifier:
        audit.record(session, who=who, action="asked for a window to be judged", on=row)
    wake.worker(session)
    return row


def _state(row: ReportRequest) -> str:
    if row.handled_at is None:
        return "waiting"
    return "done" if row.report_id is not None else "failed"


def _check(wanted: ReportRequestIn) -> None:
    if wanted.window_end <= wanted.window_start:
        detail = "The window ends before it starts; swap the two."
        raise Problem(422, "window-reversed", "The window is reversed", detail)
    if wanted.window_end > datetime.datetime.now(tz=datetime.UTC):
        detail = "The window ends in the future; ask again once it is over."
        raise Problem(422, "window-in-future", "The window is not over yet", detail)


@router.post("/v1/reports", summary="Request that a window is judged now", status_code=202)
def create_request(
    body: ReportRequestIn, session: Writing, operator: Operator, response: Response
) -> ReportRequestOut:
    """While a request for the same window waits, that one is returned."""
    row = request_report(session, body, who=operator.name)
    response.headers["Location"] = f"/v1/report-requests/{row.id}"
    return ReportRequestOut.of(row)


@router.get("/v1/report-requests/{request_id}", summary="One request for a report")
def get_request(request_id: uuid.UUID, session: Reading, _: Reader) -> ReportRequestOut:
    return ReportRequestOut.of(lookup.one(session, ReportRequest, request_id, "report request"))
