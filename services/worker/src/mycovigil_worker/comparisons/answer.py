"""Answer the comparisons that wait, in the tick: a long computation, then a short transaction.

Two workers may compute the same pair; both come to the same figures, and the first one's stay.
"""

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import select, update

from mycovigil.db.reference import ReferenceSet
from mycovigil.db.report import Comparison
from mycovigil_worker.comparisons import sets, stretches
from mycovigil_worker.days.judgement import NotComparable
from mycovigil_worker.judging.failures import is_outage, summary
from mycovigil_worker.state import State

log = structlog.get_logger(__name__)


def drain(state: State, *, now: datetime) -> int:
    """Answer every waiting comparison, the oldest first; returns how many.

    Raises:
        DBAPIError, OSError: the database or the storage is away; the rest goes on waiting.
    """
    with state.sessions() as session:
        waiting = session.scalars(
            select(Comparison)
            .where(Comparison.handled_at.is_(None))
            .order_by(Comparison.created_at, Comparison.id)
        ).all()
    return sum(_answer(state, one, now) for one in waiting)


def _answer(state: State, asked: Comparison, now: datetime) -> bool:
    """Compare, then write; false if another worker was faster."""
    result, problem = _compared(state, asked)
    with state.sessions.begin() as session:
        answered = update(Comparison).where(
            Comparison.id == asked.id, Comparison.handled_at.is_(None)
        )
        values = answered.values(handled_at=now, result=result, problem=problem)
        return session.scalar(values.returning(Comparison.id)) is not None


def _compared(state: State, asked: Comparison) -> tuple[dict[str, Any] | None, str | None]:
    """The result, or why there is none."""
    try:
        return document(state, asked), None
    except NotComparable as reason:
        return None, str(reason)
    except Exception as error:
        if is_outage(error):
            raise
        log.exception("a comparison crashed", comparison=str(asked.id))
        return None, f"the comparison crashed: {summary(error)}"


def document(state: State, asked: Comparison) -> dict[str, Any]:
    """Compare the pair; as stored in ``comparisons.result``.

    Raises:
        NotComparable: the message says why.
        LookupError: a reference set is gone.
    """
    if asked.model_id is not None:
        first, second = (
            _span(asked.first_start, asked.first_end),
            _span(asked.second_start, asked.second_end),
        )
        return stretches.compared(state, asked.model_id, first, second)
    with state.sessions() as session:
        first_set = session.get_one(ReferenceSet, asked.first_set_id)
        second_set = session.get_one(ReferenceSet, asked.second_set_id)
        seed = state.settings.drift.seed
        found = sets.compared(session, state.storage, first_set, second_set, seed=seed)
    return sets.document(found)


def _span(start: datetime | None, end: datetime | None) -> tuple[datetime, datetime]:
    assert start is not None
    assert end is not None
    return start, end
