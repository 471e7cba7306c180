"""Two stretches of production side by side, by sketches of their days as nights are judged."""

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mycovigil.baselines.baseline import LEAST_DAYS
from mycovigil.baselines.packed import Damaged
from mycovigil.baselines.sketches import Span
from mycovigil.db.model import Model
from mycovigil.references.feature_rows import MixedFeatures
from mycovigil.storage import MissingObject
from mycovigil_statistics import DriftResult
from mycovigil_statistics.drift import DaysResult
from mycovigil_statistics.errors import SampleError
from mycovigil_worker.days import baseline_rows, sketches
from mycovigil_worker.days import geometry as day_geometry
from mycovigil_worker.days.day_rows import read
from mycovigil_worker.days.geometry import Geometry
from mycovigil_worker.days.judgement import NotComparable
from mycovigil_worker.days.judgement import compared as beside_days
from mycovigil_worker.days.scoring import Scorer
from mycovigil_worker.days.sketches import SketchedDay
from mycovigil_worker.judging.sample import rows_to_read
from mycovigil_worker.references import novelty
from mycovigil_worker.references.novelty import NoveltyScale
from mycovigil_worker.report.beside_days import documents
from mycovigil_worker.state import State

# A comparison sends no alert, so it spends nothing of the month's budget.
LEVEL = 0.05
FEW_DAYS = (
    f"the first stretch has fewer than {LEAST_DAYS} days with photos, which cannot say what days "
    "differ by: photos were compared as if all came from one day"
)
NO_SET = "no frozen reference set teaches this encoder's geometry: freeze one, and compare again"
NO_DAY = "no day of the second stretch has two independent photos"


def compared(state: State, model_id: uuid.UUID, first: Span, second: Span) -> dict[str, Any]:
    """How unlike the days of ``first`` the stretch ``second`` is: p = max(p_days, p_rows).

    By the same rule as a night beside the baseline: the first stretch's days are the baseline, a
    single night is compared with their rows as well, and fewer than three days with photos leave
    the test on rows alone. Sketches that are missing are made and kept.

    Raises:
        NotComparable: too few photos, rows of two encoders, or no geometry; the message says why.
        DBAPIError, OSError: the database or the storage is away.
    """
    with state.sessions() as session:
        model = session.get_one(Model, model_id)
    scale = novelty.scale_of(state.storage, model)
    try:
        geometry = day_geometry.ensured(state, model, scale)
        if geometry is None:
            raise NotComparable(NO_SET)
        nights = state.settings.drift.nights
        spans = [
            [part.span for part in nights.split(nights.asked(*one))] for one in (first, second)
        ]
        sketches.ensure(state, model, scale, geometry, sorted({*spans[0], *spans[1]}))
        with state.sessions() as session:
            return _Pair(state, session, model, scale, geometry, *spans).document()
    except (SampleError, MixedFeatures, Damaged) as reason:
        raise NotComparable(str(reason)) from reason
    except MissingObject as key:
        raise NotComparable(f"the geometry of this encoder's days is gone: {key}") from key


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """Two stretches whose days are sketched."""

    state: State
    session: Session
    model: Model
    scale: NoveltyScale
    geometry: Geometry
    first: Sequence[Span]
    second: Sequence[Span]

    def document(self) -> dict[str, Any]:
        known = self.geometry.row.id, self.model.id
        days, window = (
            sketches.joined(self.session, *known, side) for side in (self.first, self.second)
        )
        if not window:
            raise NotComparable(NO_DAY)
        seed = self.state.settings.drift.seed
        result = beside_days(window, days, seed) if len(days) >= LEAST_DAYS else None
        if result is None:
            rows = self._by_rows(LEVEL)
            return _document(days, window, None, rows, [FEW_DAYS])
        notes = [f"{view} is left out: not all days have it" for view in result.left_out]
        if len(self.second) > 1 or (result.p_days or 0.0) > baseline_rows.ROWS_BELOW:
            return _document(days, window, result, None, notes)
        try:
            rows = self._by_rows(LEVEL)
        except (SampleError, MixedFeatures) as reason:
            return _document(
                days, window, result, None, [*notes, f"rows were not compared: {reason}"]
            )
        return _document(days, window, result.with_rows(rows.p_value), rows, notes)

    def _by_rows(self, level: float) -> DriftResult:
        """The exact test on at most as many photos as a night's judging reads."""
        row, drift = self.geometry.row, self.state.settings.drift
        as_of = self.session.scalar(select(func.now())) or datetime.now(tz=UTC)
        window = drift.nights.asked(self.second[0][0], self.second[-1][1])
        scorer = Scorer(self.state.storage, self.model)
        held = row.reference_set_id
        days = read(self.session, row.encoder_id, self.first, as_of, geometry_set=held)
        most = rows_to_read(window, drift)
        night = read(self.session, row.encoder_id, self.second, as_of, geometry_set=held, most=most)
        found = baseline_rows.tested(
            scorer.scored(night), days, scorer, self.scale, drift.seed, level
        )
        return found.result


def _document(
    days: Sequence[SketchedDay],
    window: Sequence[SketchedDay],
    result: DaysResult | None,
    rows: DriftResult | None,
    notes: list[str],
) -> dict[str, Any]:
    p_rows = rows.p_value if rows else None
    views = documents(result) if result else [asdict(view) for view in rows.views] if rows else []
    return {
        "p_value": result.p_value if result else p_rows,
        "p_days": result.p_days if result else None,
        "p_rows": p_rows,
        "ratio": result.ratio if result else None,
        "rank": result.rank if result else None,
        "first_days": len(days),
        "second_days": len(window),
        "first_photos": sum(day.sketch.rows for day in days),
        "second_photos": sum(day.sketch.rows for day in window),
        "views": views,
        "notes": notes,
    }
