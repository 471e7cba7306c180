"""A baseline of days from the same world as the nights of `factories.night`."""

import datetime
import uuid

import numpy as np
from factories.night import FIRST, PERIOD, Served, rows_of
from sqlalchemy import select

from mycovigil.baselines import baseline
from mycovigil.baselines.baseline import EntryRule
from mycovigil.db.baseline import Baseline, BaselineReason
from mycovigil.db.model import Model
from mycovigil.db.reference import ReferenceSet
from mycovigil.references.feature_rows import Rows
from mycovigil_worker.days import geometry
from mycovigil_worker.days.geometry import Geometry
from mycovigil_worker.days.sketches import Part, prediction_part
from mycovigil_worker.references.novelty import NoveltyScale
from mycovigil_worker.state import State


def make_baseline(
    state: State,
    served: Served | None = None,
    *,
    days: int = 7,
    rows: int = 120,
    end: datetime.datetime = FIRST,
    shift: float = 0.0,
    seed: int = 3,
) -> Baseline:
    """A baseline of ``days`` days that end at ``end``, as sketches alone: their rows are gone, so
    that nights are judged by days. ``shift``: of every feature, in sd; ``served``: by default the
    model in production."""
    served = served or _in_production(state)
    scale = NoveltyScale(served.model.id)
    made = geometry.ensured(state, served.model, scale)
    assert made is not None
    spans = [(end - (n + 1) * PERIOD, end - n * PERIOD) for n in reversed(range(days))]
    with state.sessions.begin() as session:
        begun = baseline.begin(session, served.model.encoder_id, reason=BaselineReason.FIRST_DAYS)
        for number, span in enumerate(spans):
            drawn = rows_of(np.random.default_rng((seed, number)), rows, shift=shift)
            for model_id, part in _parts(made, served, scale, drawn).items():
                part.store(session, made.row, model_id, span)
        most = state.settings.drift.baseline_days
        baseline.enter(session, begun, spans, EntryRule.START_UP, most=most)
        session.flush()
        session.expunge(begun)
    return begun


def _in_production(state: State) -> Served:
    with state.sessions() as session:
        model = session.scalars(select(Model).where(Model.status == "production")).one()
        sets = select(ReferenceSet).where(ReferenceSet.model_id == model.id)
        return Served(model, session.scalars(sets).one())


def _parts(
    made: Geometry, served: Served, scale: NoveltyScale, drawn: Rows
) -> dict[uuid.UUID | None, Part]:
    predictions = prediction_part(made, drawn, scale)
    assert predictions is not None
    return {
        None: Part(made.features.sketch(drawn.features, drawn.covariates)),
        served.model.id: predictions,
    }
