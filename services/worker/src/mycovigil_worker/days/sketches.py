"""Sketches of days: made where they are missing, joined where they are compared."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mycovigil.baselines import sketches as stored
from mycovigil.baselines.sketches import Span
from mycovigil.db.baseline import DayGeometry
from mycovigil.db.model import Model
from mycovigil.references.feature_rows import Rows
from mycovigil_statistics.drift import DaySketch
from mycovigil_statistics.errors import InsufficientRows
from mycovigil_worker.days import predicted_classes
from mycovigil_worker.days.day_rows import DayRows, read
from mycovigil_worker.days.geometry import Geometry
from mycovigil_worker.days.scoring import Scorer
from mycovigil_worker.references.novelty import NoveltyScale
from mycovigil_worker.state import State


@dataclass(frozen=True, slots=True, eq=False)
class SketchedDay:
    """A day as a model sees it: the feature part, and the prediction part if there is one.

    ``hashes``: of the parts, in this order, for replays; ``classes``: by the model's predicted
    class, stored with the prediction part.
    """

    span: Span
    sketch: DaySketch
    hashes: tuple[str, ...]
    classes: predicted_classes.Sketches = field(default_factory=dict)


def joined(
    session: Session, geometry_id: uuid.UUID, model_id: uuid.UUID, spans: Iterable[Span]
) -> list[SketchedDay]:
    """Days that were sketched, in order of time; those without a sketch are left out.

    Raises:
        Damaged: a sketch is not what was written.
    """
    wanted = list(spans)
    features = stored.load(session, geometry_id, None, wanted)
    predictions = stored.load(session, geometry_id, model_id, wanted)
    found = []
    for span, part in features.items():
        sketch, hashes = DaySketch.from_arrays(part.arrays), [part.content_hash]
        classes: predicted_classes.Sketches = {}
        if (other := predictions.get(span)) is not None:
            sketch = sketch.joined(DaySketch.from_arrays(other.arrays))
            classes = predicted_classes.from_arrays(other.arrays)
            hashes.append(other.content_hash)
        found.append(SketchedDay(span, sketch, tuple(hashes), classes))
    return found


def of_class(days: Iterable[SketchedDay], name: str) -> list[SketchedDay]:
    """The photos of one predicted class, of the days that have it."""
    return [replace(day, sketch=day.classes[name]) for day in days if name in day.classes]


def ensure(
    state: State, model: Model, scale: NoveltyScale, geometry: Geometry, spans: Sequence[Span]
) -> None:
    """Sketch the days that have no sketch yet, each part by itself, in a transaction of its own.

    A day without rows, with fewer than two units, or whose rows retention took, gets none.

    Raises:
        SampleError, MixedFeatures: rows that no sketch can be made of.
    """
    with state.sessions() as session:
        features = stored.known(session, geometry.row.id, None, spans)
        predictions = stored.known(session, geometry.row.id, model.id, spans)
    maker = _Maker(state, Scorer(state.storage, model), scale, geometry)
    for span in spans:
        if span not in features or span not in predictions:
            maker.make(span, span not in features, span not in predictions)


@dataclass(frozen=True, slots=True, eq=False)
class _Maker:
    """Sketches days for one model."""

    state: State
    scorer: Scorer
    scale: NoveltyScale
    geometry: Geometry

    def make(self, span: Span, features: bool, predictions: bool) -> None:
        """The parts that are missing, from one reading of the day's rows."""
        found = self._read(span)
        if not len(found):
            return
        parts: dict[uuid.UUID | None, Part | None] = {}
        if features:
            parts[None] = self._features(found.rows)
        if predictions:
            parts[self.scorer.model.id] = self._predictions(found)
        with self.state.sessions.begin() as session:
            for model_id, part in parts.items():
                if part is not None:
                    part.store(session, self.geometry.row, model_id, span)

    def _read(self, span: Span) -> DayRows:
        row = self.geometry.row
        with self.state.sessions() as session:
            as_of = session.scalar(select(func.now())) or datetime.now(tz=UTC)
            return read(session, row.encoder_id, [span], as_of, geometry_set=row.reference_set_id)

    def _features(self, rows: Rows) -> "Part | None":
        try:
            return Part(
                self.geometry.features.sketch(rows.features, rows.covariates, groups=rows.dependent)
            )
        except InsufficientRows:  # one photo, or one group
            return None

    def _predictions(self, found: DayRows) -> "Part | None":
        rows = self.scorer.scored(found)
        try:
            return prediction_part(self.geometry, rows, self.scale) if len(rows) else None
        except InsufficientRows:
            return None


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A part of a day, before it is stored."""

    sketch: DaySketch
    classes: predicted_classes.Sketches = field(default_factory=dict)

    def store(
        self, session: Session, geometry: DayGeometry, model_id: uuid.UUID | None, span: Span
    ) -> None:
        """Write it, if there is none yet."""
        stored.store(
            session,
            geometry,
            model_id,
            span,
            rows=self.sketch.rows,
            units=self.sketch.units,
            arrays=self.sketch.to_arrays() | predicted_classes.to_arrays(self.classes),
        )


def prediction_part(geometry: Geometry, rows: Rows, scale: NoveltyScale) -> Part | None:
    """What a model answered on a day, and the features by predicted class; none where the model
    has no reference set.

    Raises:
        InsufficientRows: fewer than two independent photos.
    """
    if geometry.predictions is None:
        return None
    sketch = geometry.predictions.sketch(
        rows.probabilities, scale.scores(rows), groups=rows.dependent
    )
    return Part(sketch, predicted_classes.sketched(geometry.features, rows))
