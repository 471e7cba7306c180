"""``/v1/comparisons``: figures of a pair at once, and its p-value once the worker has compared."""

import datetime
import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy.orm import Session

from mycovigil.baselines.sketches import Span
from mycovigil.db.report import Comparison as ComparisonRow
from mycovigil.problem import Problem
from mycovigil_drift.access import Operator, Viewer
from mycovigil_drift.resources.comparisons import request
from mycovigil_drift.resources.comparisons.comparison import Comparison, compare
from mycovigil_drift.resources.comparisons.request import ComparisonOut
from mycovigil_drift.resources.comparisons.row_set import RowSet, night, reference_set, stretch
from mycovigil_drift.session import Reading, Writing

router = APIRouter(prefix="/v1/comparisons", tags=["comparisons"])
# Each day is sketched, which takes up to a second.
LONGEST = datetime.timedelta(days=400)


class Pair(BaseModel):
    """Two ids of a kind: ``b`` is compared with ``a``."""

    model_config = ConfigDict(extra="forbid")
    a: uuid.UUID
    b: uuid.UUID


class Stretch(BaseModel):
    """Half-open, UTC or with an offset; at most 400 days."""

    model_config = ConfigDict(extra="forbid")
    start: AwareDatetime
    end: AwareDatetime

    @property
    def span(self) -> Span:
        """Its ends.

        Raises:
            Problem: 422 if it is reversed or too long.
        """
        if self.end <= self.start:
            detail = "A stretch ends before it starts; swap the two."
            raise Problem(422, "window-reversed", "The window is reversed", detail)
        if self.end - self.start > LONGEST:
            detail = f"A stretch may be at most {LONGEST.days} days long."
            raise Problem(422, "stretch-too-long", "The stretch is too long", detail)
        return self.start, self.end


class StretchPair(BaseModel):
    """Two stretches of production, as ``model_id`` answers them: ``b`` is compared with ``a``."""

    model_config = ConfigDict(extra="forbid")
    model_id: uuid.UUID
    a: Stretch
    b: Stretch

    def row_sets(self, session: Session) -> tuple[RowSet, RowSet]:
        """Both sides.

        Raises:
            Problem: 404 without such a model, 422 if a stretch is reversed or too long.
        """
        first, second = (stretch(session, self.model_id, one.span) for one in (self.a, self.b))
        return first, second


@router.get("/nights", summary="Two nights, by the ids of their reports")
def compare_nights(session: Reading, _: Viewer, pair: Annotated[Pair, Query()]) -> Comparison:
    return compare(session, night(session, pair.a), night(session, pair.b))


@router.get("/reference-sets", summary="Two reference sets, by their ids")
def compare_reference_sets(
    session: Reading, _: Viewer, pair: Annotated[Pair, Query()]
) -> Comparison:
    return compare(session, reference_set(session, pair.a), reference_set(session, pair.b))


@router.post("/nights", summary="Request that two nights are compared", status_code=202)
def request_nights(
    body: Pair, session: Writing, operator: Operator, response: Response
) -> ComparisonOut:
    sides = night(session, body.a), night(session, body.b)
    return _accepted(request.request_comparison(session, *sides, who=operator.name), response)


@router.post(
    "/reference-sets", summary="Request that two reference sets are compared", status_code=202
)
def request_reference_sets(
    body: Pair, session: Writing, operator: Operator, response: Response
) -> ComparisonOut:
    sides = reference_set(session, body.a), reference_set(session, body.b)
    return _accepted(request.request_comparison(session, *sides, who=operator.name), response)


@router.post("/stretches", summary="Request that two stretches are compared", status_code=202)
def request_stretches(
    body: StretchPair, session: Writing, operator: Operator, response: Response
) -> ComparisonOut:
    sides = body.row_sets(session)
    return _accepted(request.request_comparison(session, *sides, who=operator.name), response)


@router.get("/{comparison_id}", summary="One comparison, with its result once it is made")
def get_comparison(comparison_id: uuid.UUID, session: Reading, _: Viewer) -> ComparisonOut:
    return ComparisonOut.of(request.get(session, comparison_id))


def _accepted(row: ComparisonRow, response: Response) -> ComparisonOut:
    response.headers["Location"] = f"/v1/comparisons/{row.id}"
    return ComparisonOut.of(row)
