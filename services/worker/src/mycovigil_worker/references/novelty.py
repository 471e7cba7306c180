"""Novelty scores of photos, by rules that were fixed before any night was judged.

The distance to the model's anchors is logged with every answer and stored with every reference
sample. Where the bundle knows in which direction photos without a mushroom lie, every row is scored
along it as well, both sides by the same rule. Reference rows are held out from training, so their
scores are comparable with the night's.
"""

import uuid
from dataclasses import dataclass

import numpy as np
import structlog
from numpy.typing import NDArray

from mycovigil.db.model import Model
from mycovigil.models import registry
from mycovigil.models.advice import decide_many
from mycovigil.models.bundle import BundleError, Thresholds
from mycovigil.models.safety import CLASSES, Advice, SafetyClass
from mycovigil.references.feature_rows import Rows
from mycovigil.storage import MissingObject, Storage

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class NoveltyScale:
    """A model's thresholds of novelty and of its advice. ``threshold``: the distance beyond
    which its predictor cannot tell; ``non_mushroom_direction`` (D,): of photos without a mushroom;
    ``thresholds``: of the advice; all from its bundle."""

    model_id: uuid.UUID
    threshold: float | None = None
    non_mushroom_direction: NDArray[np.float32] | None = None
    thresholds: Thresholds | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns of :meth:`scores`."""
        return (
            ("distance",) if self.non_mushroom_direction is None else ("distance", "not_a_mushroom")
        )

    def scores(self, rows: Rows) -> NDArray[np.float32] | None:
        """(n, s) scores, larger is more novel; none where any row lacks one, or is of an encoder
        that the model does not know."""
        columns = [rows.distances]
        if self.non_mushroom_direction is not None:
            if rows.features.shape[1] != len(self.non_mushroom_direction):
                return None
            columns.append(rows.features @ self.non_mushroom_direction)
        table = np.stack(columns, axis=1)
        return table if len(table) and bool(np.isfinite(table).all()) else None

    def refused(self, rows: Rows) -> NDArray[np.bool_]:
        """(n,): taken for no mushroom, or unlike all that the model knows: answered ``cannot_tell``
        whatever the classes' probabilities are."""
        if self.thresholds is None:
            return np.zeros(len(rows), dtype=bool)
        limit = self.thresholds.non_mushroom_limit
        far = ~(rows.distances <= self.thresholds.novelty)
        return far if limit is None else far | ~(self._non_mushroom(rows) <= limit)

    def missed(self, rows: Rows) -> NDArray[np.bool_]:
        """(n,): answered neither ``avoid`` nor ``cannot_tell``, whatever the certificate's status.
        Where the bundle is gone, photos that are called edible."""
        if self.thresholds is None:
            return np.asarray(rows.predicted == CLASSES.index(SafetyClass.EDIBLE))
        scores = self._non_mushroom(rows)
        advice = decide_many(rows.probabilities, rows.distances, scores, self.thresholds)
        return np.asarray(advice == Advice.EXPERT_CHECK.value)

    def _non_mushroom(self, rows: Rows) -> NDArray[np.float32]:
        direction = self.non_mushroom_direction
        if direction is None or rows.features.shape[1] != len(direction):
            return np.zeros(len(rows), dtype=np.float32)
        return np.asarray(rows.features @ direction)

    def gap(self, side: str, rows: Rows) -> str | None:
        """Why novelty cannot be tested with these rows; nothing where it can."""
        if self.scores(rows) is not None:
            return None
        missing = int((~np.isfinite(rows.distances)).sum())
        return f"novelty was not tested: {missing} of {len(rows)} rows of {side} carry no score"


_KNOWN: dict[uuid.UUID, NoveltyScale] = {}


def scale_of(storage: Storage, model: Model) -> NoveltyScale:
    """From the model's bundle, read once a process; only logged distances where it is gone."""
    if model.id not in _KNOWN:
        try:
            bundle = registry.load_bundle(storage, model)
        except (MissingObject, BundleError) as error:
            log.warning("no novelty scale", model=model.version, error=str(error))
            return NoveltyScale(model.id)
        limits = bundle.meta.thresholds
        _KNOWN[model.id] = NoveltyScale(
            model.id, limits.novelty, bundle.non_mushroom_direction, limits
        )
    return _KNOWN[model.id]
