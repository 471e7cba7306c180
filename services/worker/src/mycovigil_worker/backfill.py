"""Reports for a stretch of the past: shown like any, spending no alarm budget, paging nobody."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from mycovigil.db.report import DriftReport
from mycovigil_worker import nightly
from mycovigil_worker import reference as references
from mycovigil_worker.lock import wait_for_model_lock
from mycovigil_worker.outcome import Commission, Origin
from mycovigil_worker.sample import first_row
from mycovigil_worker.schedule import Planned, planned
from mycovigil_worker.state import State
from mycovigil_worker.tenure import tenures


@dataclass(frozen=True, slots=True)
class Missing:
    """A window of the stretch that has no report."""

    model_id: uuid.UUID
    reference_set_id: uuid.UUID
    planned: Planned


def missing(state: State, since: datetime, until: datetime) -> list[Missing]:
    """Closed windows between ``since`` and ``until`` without a report of any origin."""
    reach = (until - since) // state.settings.period + 1
    drift = state.settings.drift.model_copy(update={"catch_up_periods": reach})
    found: list[Missing] = []
    with state.sessions() as session:
        active = references.active(session)
        for tenure in tenures(session):
            first = first_row(session, tenure.model_id, tenure.start)
            reference = active.get(tenure.model_id)
            if first is None or reference is None:
                continue
            for item in planned(tenure, max(first, since), (), until, drift):
                span = (item.window.start, item.window.end)
                if span[0] >= since and not nightly.existing(session, tenure.model_id, span):
                    found.append(Missing(tenure.model_id, reference.id, item))
    return found


def run(state: State, windows: list[Missing]) -> Iterator[DriftReport | None]:
    """Make the reports one by one; none where somebody else was faster."""
    for item in windows:
        window = item.planned.window
        with state.sessions.begin() as session:
            wait_for_model_lock(session, item.model_id)
            if nightly.existing(session, item.model_id, (window.start, window.end)):
                yield None
                continue
            commission = Commission(
                item.model_id,
                item.reference_set_id,
                window,
                item.planned.level,
                Origin.BACKFILL,
            )
            made = nightly.make(session, state, commission)
        yield made
