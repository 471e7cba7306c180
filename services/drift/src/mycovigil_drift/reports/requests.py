"""``POST /v1/reports``: a window judged now. A row asks; the worker's next tick answers."""

import datetime
import uuid

from fastapi import APIRouter, Response
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mycovigil.db.base import new_id
from mycovigil.db.report import ReportRequest
from mycovigil.incidents import audit
from mycovigil.problem import Problem
from mycovigil_drift import lookup
from mycovigil_drift.access import Operator, Reader
from mycovigil_drift.models import queries as models
from mycovigil_drift.reports.schemas import ReportRequestIn, ReportRequestOut
from mycovigil_drift.session import Reading, Writing

router = APIRouter(tags=["reports"])


@router.post("/v1/reports", summary="Ask for a window to be judged now", status_code=202)
def create_request(
    body: ReportRequestIn, session: Writing, operator: Operator, response: Response
) -> ReportRequestOut:
    """Asking twice while the first is waiting is asking once."""
    row = ask(session, body, who=operator.name)
    response.headers["Location"] = f"/v1/report-requests/{row.id}"
    return ReportRequestOut.of(row)


@router.get("/v1/report-requests/{request_id}", summary="How a request for a report went")
def get_request(request_id: uuid.UUID, session: Reading, _: Reader) -> ReportRequestOut:
    return ReportRequestOut.of(lookup.one(session, ReportRequest, request_id, "report request"))


def ask(session: Session, wish: ReportRequestIn, *, who: str) -> ReportRequest:
    """The waiting request for a window, made if there is none.

    Raises:
        Problem: 404 without such a model, 422 for a window that is reversed or not over.
    """
    _check(wish)
    models.get(session, wish.model_id)
    window = wish.model_dump()
    identifier = new_id()
    row = session.scalars(
        # an update that changes nothing: unlike DO NOTHING it locks and returns the waiting one,
        # which the worker could otherwise handle between the two statements
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
    return row


def _check(body: ReportRequestIn) -> None:
    if body.window_end <= body.window_start:
        detail = "The window ends before it starts; swap the two."
        raise Problem(422, "window-reversed", "The window is reversed", detail)
    if body.window_end > datetime.datetime.now(tz=datetime.UTC):
        detail = "The window ends in the future; ask again once it is over."
        raise Problem(422, "window-in-future", "The window is not over yet", detail)
