"""Is a drift no more than the photos of one client that are always refused? Then it is no news for
the others, and doubts no certificate: such photos are answered `cannot_tell`, by rules that other
clients' photos have no part in.

So it is where one client's photos are refused more often than usual, those of all others surely are
not, and the window without that client's refused photos is like the days of the baseline; so are
its predicted classes, where one of them alarmed.
"""

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from mycovigil.baselines.sketches import Span
from mycovigil.db.model import Model
from mycovigil.storage import Storage
from mycovigil_statistics.drift import DaySketch, judge_days
from mycovigil_statistics.errors import SampleError
from mycovigil_statistics.safety.proportions import Interval, score_interval
from mycovigil_worker.days import baseline_rows, predicted_classes
from mycovigil_worker.days.day_rows import DayRows, read
from mycovigil_worker.days.geometry import Geometry
from mycovigil_worker.days.preparation import Prepared
from mycovigil_worker.days.scoring import Scorer
from mycovigil_worker.days.sketches import Part, prediction_part
from mycovigil_worker.judging.judged_window import Comparison
from mycovigil_worker.report.harm import LEVEL, TOLERABLE

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class OneClient:
    """``refused``: share of the client's ``rows`` photos; ``others``: of all others' photos, with
    the upper bound of a 90% interval; ``usual``: of photos on calm days. ``p_days``: of the window
    without the client's refused photos."""

    client: str
    rows: int
    refused: float
    others: float
    others_high: float
    usual: float
    p_days: float

    def document(self) -> dict[str, Any]:
        """As stored in the report's evidence."""
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """Reads the rows of a window that drifted once more, with the clients that sent them."""

    session: Session
    storage: Storage
    prepared: Prepared
    as_of: datetime

    def found(
        self, model_id: uuid.UUID, comparison: Comparison, level: float, seed: int
    ) -> OneClient | None:
        """The one client whose refused photos are all that drifted; none if there is more to it, or
        if that cannot be seen."""
        days = comparison.days
        parted = _parted(comparison)
        if days is None or parted is None:
            return None
        client, mine, others = parted
        scorer = Scorer(self.storage, self.session.get_one(Model, model_id))
        usual = self._usual(comparison, scorer)
        if not mine.low > usual + TOLERABLE >= others.high:
            return None
        nights = [self._without(client, day.span, comparison, scorer) for day in days.window]
        p_days = _p_days(nights, [day.sketch for day in days.days], seed)
        if p_days is None or p_days <= level or _classes_drift(nights, comparison):
            return None
        return OneClient(
            client, mine.trials, mine.estimate, others.estimate, others.high, usual, p_days
        )

    def _without(
        self, client: str, span: Span, comparison: Comparison, scorer: Scorer
    ) -> Part | None:
        """The day without the client's refused photos, sketched as the day itself was; none where
        too little is left, or answers are gone."""
        geometry = self.prepared.geometry
        if geometry is None:
            return None
        row = geometry.row
        found = read(
            self.session, row.encoder_id, [span], self.as_of, geometry_set=row.reference_set_id
        )
        scored = scorer.scored(found)
        if len(scored) != len(found):
            return None
        refused = comparison.scale.refused(scored) & (np.array(found.clients, np.str_) == client)
        return _sketched(geometry, scorer, comparison, found.take(np.flatnonzero(~refused)))

    def _usual(self, comparison: Comparison, scorer: Scorer) -> float:
        """Share of refused photos on the baseline's days, or in the reference set where rows of the
        days are gone."""
        days = comparison.days
        found = days and baseline_rows.of_days(
            self.session, self.storage, days.baseline_id, days.spans, self.as_of
        )
        rows = scorer.scored(found) if found else comparison.reference.rows
        return float(comparison.scale.refused(rows).mean()) if len(rows) else 0.0


def _parted(comparison: Comparison) -> tuple[str, Interval, Interval] | None:
    """The client with most refused photos of the window, the share of its photos that are refused,
    and the share of all others'; none where no photo is, or nobody else sends any."""
    night = comparison.night
    clients, refused = np.array(night.slices["client"], np.str_), comparison.scale.refused(night)
    if not refused.any():
        return None
    names, counts = np.unique(clients[refused], return_counts=True)
    client = str(names[counts.argmax()])
    sent = clients == client
    return None if sent.all() else (client, _share(refused[sent]), _share(refused[~sent]))


def _share(refused: Mask) -> Interval:
    return score_interval(int(refused.sum()), len(refused), LEVEL)


def _sketched(
    geometry: Geometry, scorer: Scorer, comparison: Comparison, found: DayRows
) -> Part | None:
    rows, scored = found.rows, scorer.scored(found)
    try:
        sketch = geometry.features.sketch(rows.features, rows.covariates, groups=rows.dependent)
        part = prediction_part(geometry, scored, comparison.scale) if len(scored) else None
    except SampleError:
        return None
    return Part(sketch.joined(part.sketch), part.classes) if part else Part(sketch)


def _classes_drift(nights: Sequence[Part | None], comparison: Comparison) -> bool:
    """Whether a predicted class of what is left is stranger than days differ."""
    days, level = comparison.days, comparison.slices.level
    if days is None or not days.class_drifted(level) or nights[0] is None:
        return False
    left = predicted_classes.judged(nights[0].classes, (day.classes for day in days.days))
    return any(one.adjusted_p <= level for one in left)


def _p_days(nights: Sequence[Part | None], days: Sequence[DaySketch], seed: int) -> float | None:
    """None where too little of a day is left to sketch it."""
    left = [night.sketch for night in nights if night is not None]
    if not left or len(left) < len(nights):
        return None
    try:
        return judge_days(left, baseline=days, seed=seed).p_days
    except SampleError:
        return None
