"""What a window needs before it is judged: a geometry, a baseline, and sketches of its days.

Made in short transactions of their own, before the snapshot in which the window is judged. What a
killed worker leaves is used by the next one.
"""

import uuid
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.baselines import baseline as baselines
from mycovigil.baselines.baseline import DEMO_DAYS, EntryRule
from mycovigil.baselines.packed import Damaged
from mycovigil.baselines.sketches import Span
from mycovigil.db.baseline import Baseline, BaselineReason
from mycovigil.db.model import Model
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.references.feature_rows import MixedFeatures
from mycovigil.references.window import Window
from mycovigil.storage import MissingObject
from mycovigil_statistics.errors import SampleError
from mycovigil_worker.days import encoded_anew, sketches
from mycovigil_worker.days import geometry as day_geometry
from mycovigil_worker.days.geometry import Geometry
from mycovigil_worker.judging.pooling import pooled_start
from mycovigil_worker.judging.sample import first_row
from mycovigil_worker.references.novelty import NoveltyScale
from mycovigil_worker.state import State

# A day with fewer independent units says little of what days differ by.
LEAST_UNITS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """``spans``: the days of the window, and of the thin nights pooled with it; ``problem``: why
    the window cannot be compared with days."""

    geometry: Geometry | None = None
    spans: list[Span] = field(default_factory=list)
    problem: str | None = None

    @property
    def geometry_id(self) -> uuid.UUID | None:
        """Of the geometry that the days are sketched by."""
        return self.geometry.row.id if self.geometry else None


def prepare(state: State, model_id: uuid.UUID, window: Window, scale: NoveltyScale) -> Prepared:
    """Make what is missing; returns what to compare, or why it cannot be.

    Raises:
        DBAPIError, OSError: the database or the storage is away.
    """
    try:
        return _prepared(state, model_id, window, scale)
    except (SampleError, MixedFeatures, Damaged) as reason:
        return Prepared(problem=str(reason))
    except MissingObject as key:
        return Prepared(problem=f"the geometry of this encoder's days is gone from storage: {key}")


def _prepared(state: State, model_id: uuid.UUID, window: Window, scale: NoveltyScale) -> Prepared:
    with state.sessions() as session:
        first = first_row(session, model_id, window.start)
        if first is None or first >= window.end:
            return Prepared()  # nothing was sent, and nothing is compared
        model = session.get_one(Model, model_id)
        start = pooled_start(session, model_id, window)
    geometry = day_geometry.ensured(state, model, scale)
    if geometry is None:
        return Prepared()
    nights = state.settings.drift.nights
    spans = [part.span for part in nights.split(Window(start, window.end))]
    _begin_first(state, model, window.start, geometry, scale)
    _enter_encoded(state, model, window.start, geometry, scale)
    with state.sessions.begin() as session:
        current = baselines.current(session, model.encoder_id)
        if current is not None:
            baselines.shorten(session, current, most=state.settings.drift.baseline_days)
        days = baselines.days(session, current) if current else []
    known = [(day.day_start, day.day_end) for day in days]
    sketches.ensure(state, model, scale, geometry, sorted({*spans, *known}))
    return Prepared(geometry, spans)


def _begin_first(
    state: State, model: Model, before: datetime, geometry: Geometry, scale: NoveltyScale
) -> None:
    """Begin the encoder's first baseline, or the first after the demo model's.

    A database from before days were compared has calm nights already: the newest of them enter, as
    many as a baseline holds.
    """
    with state.sessions() as session:
        if not _is_due(baselines.current(session, model.encoder_id), model):
            return
        past = _past_calm(session, model, before, state.settings.drift.baseline_days)
    sketches.ensure(state, model, scale, geometry, past)
    with state.sessions.begin() as session:
        known = [one.span for one in sketches.joined(session, geometry.row.id, model.id, past)]
        if not _is_due(baselines.current(session, model.encoder_id), model):
            return  # another worker was faster
        made = baselines.begin(
            session,
            model.encoder_id,
            reason=BaselineReason.FIRST_DAYS,
            note=DEMO_DAYS if model.demo else "",
        )
        most = state.settings.drift.baseline_days
        baselines.enter(session, made, known, EntryRule.PAST_CALM, most=most)


def _enter_encoded(
    state: State, model: Model, before: datetime, geometry: Geometry, scale: NoveltyScale
) -> None:
    """Let days that counted for an earlier encoder enter the first baseline of this one, once their
    photos were encoded anew. After a new normal was accepted they are another normal's days."""
    most = state.settings.drift.baseline_days
    with state.sessions() as session:
        current = _open_first(session, model)
        if current is None:
            return
        there = {day.day_start for day in baselines.days(session, current, withdrawn=True)}
        found = encoded_anew.accepted(session, model.encoder_id, before, most)
    spans = [span for span in found if span[0] not in there]
    if not spans:
        return
    sketches.ensure(state, model, scale, geometry, spans)
    with state.sessions.begin() as session:
        made = sketches.joined(session, geometry.row.id, model.id, spans)
        known = [one.span for one in made if one.sketch.units >= LEAST_UNITS]
        if (current := _open_first(session, model)) is not None:
            baselines.enter(session, current, known, EntryRule.ENCODED_ANEW, most=most)


def _open_first(session: Session, model: Model) -> Baseline | None:
    current = baselines.current(session, model.encoder_id)
    if current is None or current.standing_since is not None or current.note == DEMO_DAYS:
        return None
    return current if current.reason == BaselineReason.FIRST_DAYS else None


def _is_due(current: Baseline | None, model: Model) -> bool:
    return current is None or (current.note == DEMO_DAYS and not model.demo)


def _past_calm(session: Session, model: Model, before: datetime, most: int) -> list[Span]:
    """The newest nights before ``before`` in which a model of the encoder was calm beside its
    reference set."""
    rows = session.execute(
        select(DriftReport.window_start, DriftReport.window_end)
        .join(Model, Model.id == DriftReport.model_id)
        .where(
            Model.encoder_id == model.encoder_id,
            ~Model.demo,
            DriftReport.periods == 1,
            DriftReport.verdict == ReportVerdict.CALM,
            DriftReport.baseline_id.is_(None),
            DriftReport.window_end <= before,
        )
        .distinct()
        .order_by(DriftReport.window_start.desc())
        .limit(most)
    )
    return sorted((start, end) for start, end in rows)
