"""Reports for a stretch of the past: shown like any, spending no alarm budget, paging nobody.

The nightly run leaves them alone: a night that was backfilled never alarms for drift afterwards. It
catches up by itself, so what it is still to make is better left to it.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from mycovigil.db.report import UNJUDGED, DriftReport
from mycovigil_worker.nights import nightly
from mycovigil_worker.nights.model_lock import wait_for_model_lock
from mycovigil_worker.nights.outcome import Commission, Origin
from mycovigil_worker.nights.sample import first_row
from mycovigil_worker.nights.schedule import Planned, planned
from mycovigil_worker.nights.serving_periods import tenures
from mycovigil_worker.state import State


@dataclass(frozen=True, slots=True)
class Missing:
    """A window of the stretch that nobody judged."""

    model_id: uuid.UUID
    planned: Planned


def missing(state: State, since: datetime, until: datetime) -> list[Missing]:
    """Windows from ``since`` to ``until``, all of them over, without a report of any origin, or
    with one that failed or had no reference set, of models that have one now."""
    ripe = until + nightly.grace_of(state.settings)
    reach = (ripe - since) // state.settings.period + 1
    drift = state.settings.drift.model_copy(update={"catch_up_periods": reach})
    found: list[Missing] = []
    with state.sessions() as session:
        for tenure in tenures(session):
            first = first_row(session, tenure.model_id, tenure.start)
            if first is None:
                continue
            found += [
                Missing(tenure.model_id, item)
                for item in planned(tenure, max(first, since), (), ripe, drift)
                if item.window.start >= since and _commission(session, tenure.model_id, item)
            ]
    return found


def _commission(session: Session, model_id: uuid.UUID, item: Planned) -> Commission | None:
    """What to judge; nothing where it was judged, or there is nothing to judge it against."""
    earlier = nightly.existing(session, model_id, (item.window.start, item.window.end))
    if earlier is not None and earlier.verdict not in UNJUDGED:
        return None
    asked = nightly.commissioned(session, model_id, item.window, item.level, Origin.BACKFILL)
    return asked if asked.reference_set_id else None


def run(state: State, windows: list[Missing]) -> Iterator[DriftReport | None]:
    """Make the reports one by one; none where somebody else was faster."""
    for item in windows:
        with state.sessions.begin() as session:
            wait_for_model_lock(session, item.model_id)
            asked = _commission(session, item.model_id, item.planned)
            made = nightly.make(session, state, asked) if asked else None
        yield made
