"""Once a baseline stands still: its outliers are marked, and its rows frozen."""

import uuid

import structlog
from sqlalchemy.orm import Session

from mycovigil.baselines import baseline as baselines
from mycovigil.baselines.packed import Damaged
from mycovigil.baselines.sketches import Span
from mycovigil.db.baseline import Baseline, BaselineDay
from mycovigil.db.model import Model
from mycovigil.storage import Storage
from mycovigil_worker.days import baseline_rows, sketches
from mycovigil_worker.days.judgement import NotComparable, compared
from mycovigil_worker.state import State

log = structlog.get_logger(__name__)


def settle(state: State, model_id: uuid.UUID) -> None:
    """Test every day of a baseline that has come to stand still against the others, and store their
    rows; does nothing while it grows, or where that was done.

    Outliers are shown, not removed: a person may withdraw them.
    """
    with state.sessions() as session:
        model = session.get_one(Model, model_id)
        current = baselines.current(session, model.encoder_id)
        if current is None or current.standing_since is None:
            return
        days = baselines.days(session, current)
        if all(day.outlier_p is not None for day in days):
            return
        _freeze(session, state.storage, current, days)
        found = _outliers(session, current, model, days, state.settings.drift.seed)
    with state.sessions.begin() as session:
        for (start, _), p_value in found.items():
            day = session.get(BaselineDay, (current.id, start))
            if day is not None and day.outlier_p is None:
                day.outlier_p = p_value


def _freeze(session: Session, storage: Storage, current: Baseline, days: list[BaselineDay]) -> None:
    if storage.exists(baseline_rows.key_of(current.id)):
        return
    spans = [(day.day_start, day.day_end) for day in days]
    as_of = max(day.entered_at for day in days)
    rows = baseline_rows.of_days(session, storage, current.id, spans, as_of)
    if rows is not None:
        baseline_rows.store(storage, current.id, rows)


def _outliers(
    session: Session, current: Baseline, model: Model, days: list[BaselineDay], seed: int
) -> dict[Span, float]:
    """The p-value of each day beside the others."""
    spans = [(day.day_start, day.day_end) for day in days]
    try:
        known = sketches.joined(session, current.geometry_id, model.id, spans)
        results = {
            day.span: compared([day], [one for one in known if one is not day], seed)
            for day in known
        }
    except (Damaged, NotComparable) as reason:
        log.warning("outliers of the baseline are not known", reason=str(reason))
        return {}
    return {span: result.p_days for span, result in results.items() if result.p_days is not None}
