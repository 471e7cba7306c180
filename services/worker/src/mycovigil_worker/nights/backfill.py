"""Reports for a stretch of the past: shown like any, without alarm budget and without alerts.

The nightly run leaves them alone: a night that was backfilled never alarms for drift afterwards. It
catches up by itself, so what it is still to make is better left to it.
"""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from mycovigil.backoff import Backoff
from mycovigil.db.report import UNJUDGED, DriftReport
from mycovigil_worker.judging.judged_window import Origin, ReportSpec
from mycovigil_worker.judging.sample import first_row
from mycovigil_worker.nights import nightly
from mycovigil_worker.nights.make_report import make
from mycovigil_worker.nights.model_lock import model_lock
from mycovigil_worker.nights.schedule import Planned, planned
from mycovigil_worker.nights.serving_periods import serving_periods
from mycovigil_worker.state import State

# Between two tries to get the lock of a model whose nights a worker is judging.
BACKOFF = Backoff(first=0.2, longest=5.0)


@dataclass(frozen=True, slots=True)
class Missing:
    """A window of the stretch that has no verdict."""

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
        for period in serving_periods(session):
            first = first_row(session, period.model_id, period.start)
            if first is None:
                continue
            found += [
                Missing(period.model_id, item)
                for item in planned(period, max(first, since), (), ripe, drift)
                if item.window.start >= since and _spec(session, period.model_id, item)
            ]
    return found


def run(state: State, windows: list[Missing]) -> Iterator[DriftReport | None]:
    """Make the reports one by one; none where somebody else was faster."""
    for item in windows:
        yield _made(state, item)


def _made(state: State, item: Missing) -> DriftReport | None:
    attempt = 0
    while True:
        with model_lock(state.engine, item.model_id) as held:
            if held:
                with state.sessions() as session:
                    spec = _spec(session, item.model_id, item.planned)
                return make(state, spec, datetime.now(tz=UTC)) if spec else None
        attempt += 1
        time.sleep(BACKOFF.seconds(attempt))


def _spec(session: Session, model_id: uuid.UUID, item: Planned) -> ReportSpec | None:
    """What to judge; none where it was judged, or there is no reference set."""
    earlier = nightly.existing(session, model_id, (item.window.start, item.window.end))
    if earlier is not None and earlier.verdict not in UNJUDGED:
        return None
    spec = nightly.spec_for(session, model_id, item.window, item.level, Origin.BACKFILL)
    return spec if spec.reference_set_id else None
