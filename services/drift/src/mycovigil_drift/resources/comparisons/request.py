"""Requests for a comparison: a pair as a row, which the worker answers; the same pair twice is one.

The drift API computes no p-value of its own.
"""

import datetime
import uuid
from typing import Any

from pydantic import BaseModel
from sqlalchemy import case, null, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mycovigil.db.base import new_id
from mycovigil.db.report import Comparison
from mycovigil.events import wake
from mycovigil.incidents import audit
from mycovigil.problem import Problem
from mycovigil_drift import lookup
from mycovigil_drift.resources.comparisons.row_set import RowSet

PAIR = (
    "model_id",
    "first_start",
    "first_end",
    "second_start",
    "second_end",
    "first_set_id",
    "second_set_id",
)


class ComparisonResult(BaseModel):
    """``p_value`` of the second side beside the first: the larger of ``p_days`` and ``p_rows``.

    Stretches are compared by their days; ``p_days`` is empty where the first has fewer than three,
    and for reference sets, whose photos alone are compared. ``ratio``, ``rank``: the shift in units
    of what the first stretch's days vary by, and 1 if none of them lies as far.
    """

    p_value: float
    p_days: float | None
    p_rows: float | None
    ratio: float | None
    rank: int | None
    first_days: int
    second_days: int
    first_photos: int
    second_photos: int
    views: list[dict[str, Any]]
    notes: list[str]


class ComparisonOut(BaseModel):
    """``state``: ``waiting``, ``done`` (see ``result``) or ``failed`` (see ``problem``). Either
    ``model_id`` and the ends of two stretches, or two reference sets."""

    id: uuid.UUID
    state: str
    model_id: uuid.UUID | None
    first_start: datetime.datetime | None
    first_end: datetime.datetime | None
    second_start: datetime.datetime | None
    second_end: datetime.datetime | None
    first_set_id: uuid.UUID | None
    second_set_id: uuid.UUID | None
    requested_by: str
    created_at: datetime.datetime
    handled_at: datetime.datetime | None
    result: ComparisonResult | None
    problem: str | None

    @classmethod
    def of(cls, row: Comparison) -> "ComparisonOut":
        return cls.model_validate(row, from_attributes=True)


def request_comparison(session: Session, first: RowSet, second: RowSet, *, who: str) -> Comparison:
    """The pair's row: made, and recorded in the audit trail, if there is none; one that ended in a
    problem waits again.

    Raises:
        Problem: 422 if the sides are the same, overlap, are not over, or are of two encoders.
    """
    _check(first, second)
    identifier = new_id()
    failed = Comparison.problem.is_not(None)
    row = session.scalars(
        insert(Comparison)
        .values(id=identifier, requested_by=who, **pair_of(first, second))
        .on_conflict_do_update(
            index_elements=list(PAIR),
            set_={
                "handled_at": case((failed, null()), else_=Comparison.handled_at),
                "problem": null(),
            },
        )
        .returning(Comparison),
        execution_options={"populate_existing": True},
    ).one()
    if row.id == identifier:
        audit.record(session, who=who, action="asked for a comparison", on=row)
    if row.handled_at is None:
        wake.worker(session)
    return row


def get(session: Session, comparison_id: uuid.UUID) -> Comparison:
    """Raises:
    Problem: 404 if there is no such comparison.
    """
    return lookup.one(session, Comparison, comparison_id, "comparison")


def known(session: Session, first: RowSet, second: RowSet) -> Comparison | None:
    """The pair's row, if anybody asked for it."""
    pair = pair_of(first, second)
    columns = (getattr(Comparison, name).is_not_distinct_from(pair.get(name)) for name in PAIR)
    return session.scalar(select(Comparison).where(*columns))


def pair_of(first: RowSet, second: RowSet) -> dict[str, Any]:
    """Columns of the pair; both stretches are seen as the second one's model answers."""
    if first.window is None or second.window is None:
        return {"first_set_id": first.identifier, "second_set_id": second.identifier}
    return {
        "model_id": second.model_id,
        "first_start": first.window[0],
        "first_end": first.window[1],
        "second_start": second.window[0],
        "second_end": second.window[1],
    }


def _check(first: RowSet, second: RowSet) -> None:
    if first.identifier == second.identifier:
        detail = "Both sides are the same; choose two."
        raise Problem(422, "same-side-twice", "There is nothing to compare", detail)
    if first.encoder_id != second.encoder_id:
        detail = "The sides hold features of two encoders, which are never compared."
        raise Problem(422, "two-encoders", "Two encoders", detail)
    if first.window is None or second.window is None:
        return
    if first.window[0] < second.window[1] and second.window[0] < first.window[1]:
        detail = "The stretches overlap; a day is never compared with itself."
        raise Problem(422, "stretches-overlap", "The stretches overlap", detail)
    if max(first.window[1], second.window[1]) > datetime.datetime.now(tz=datetime.UTC):
        detail = "A stretch ends in the future; ask again once it is over."
        raise Problem(422, "window-in-future", "The window is not over yet", detail)
